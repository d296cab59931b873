// What one thread of the fused kernel adds up, and how two of them become one. Also runs on the host, where it is tested.
#pragma once

#include "probes/device_row.h"

#ifdef __CUDACC__
#define SONDE_HOST_DEVICE __host__ __device__
#else
#define SONDE_HOST_DEVICE
#endif

namespace sonde::probes::cuda {

struct Accumulator {
  unsigned long long nan = 0;
  unsigned long long positive_infinity = 0;
  unsigned long long negative_infinity = 0;
  unsigned long long zeros = 0;
  unsigned long long beyond = 0;
  double min = 1.0 / 0.0;
  double max = -1.0 / 0.0;
  double sum = 0;
  double sum_squares = 0;

  // An element beyond [low, high] is counted; infinite bounds have nothing beyond them.
  SONDE_HOST_DEVICE void add(double x, double low, double high) {
    const double infinity = 1.0 / 0.0;
    if (x != x) {
      ++nan;
    } else if (x == infinity) {
      ++positive_infinity;
    } else if (x == -infinity) {
      ++negative_infinity;
    } else {
      zeros += x == 0;
      beyond += x < low || x > high;
      min = x < min ? x : min;
      max = x > max ? x : max;
      sum += x;
      sum_squares += x * x;
    }
  }

  SONDE_HOST_DEVICE void merge(const Accumulator& other) {
    nan += other.nan;
    positive_infinity += other.positive_infinity;
    negative_infinity += other.negative_infinity;
    zeros += other.zeros;
    beyond += other.beyond;
    min = other.min < min ? other.min : min;
    max = other.max > max ? other.max : max;
    sum += other.sum;
    sum_squares += other.sum_squares;
  }

  SONDE_HOST_DEVICE void write(double* row) const {
    row[kFieldNan] = static_cast<double>(nan);
    row[kFieldPositiveInfinity] = static_cast<double>(positive_infinity);
    row[kFieldNegativeInfinity] = static_cast<double>(negative_infinity);
    row[kFieldZeros] = static_cast<double>(zeros);
    row[kFieldBeyond] = static_cast<double>(beyond);
    row[kFieldMin] = min;
    row[kFieldMax] = max;
    row[kFieldSum] = sum;
    row[kFieldSumSquares] = sum_squares;
  }
};

}  // namespace sonde::probes::cuda
