// One function a rule; each is explained where it is defined, with its source, formula, default and severity.
#pragma once

#include <sonde/meta_model.h>

#include "rules/say.h"

namespace sonde::rules {

// output and loss
Violations check_loss_mismatch(const MetaModel& model);
Violations check_output_range(const MetaModel& model);
Violations check_one_unit_softmax(const MetaModel& model);
Violations check_softmax_dimension(const MetaModel& model);
Violations check_output_width(const MetaModel& model);
Violations check_label_range(const MetaModel& model);
Violations check_constant_labels(const MetaModel& model);
Violations check_task(const MetaModel& model);
Violations check_sum_reduction(const MetaModel& model);
Violations check_initial_loss(const MetaModel& model);
// activations
Violations check_missing_activation(const MetaModel& model);
Violations check_redundant_activation(const MetaModel& model);
Violations check_hidden_activation(const MetaModel& model);
// shape of the network
Violations check_few_convolutions(const MetaModel& model);
Violations check_dense_layers(const MetaModel& model);
Violations check_filter_count(const MetaModel& model);
Violations check_dense_width(const MetaModel& model);
Violations check_downsampling(const MetaModel& model);
Violations check_bottleneck(const MetaModel& model);
Violations check_kernel_size(const MetaModel& model);
// dropout and normalisation
Violations check_dropout_rate(const MetaModel& model);
Violations check_dropout_output(const MetaModel& model);
Violations check_dropout_twice(const MetaModel& model);
Violations check_dropout_before_normalization(const MetaModel& model);
Violations check_dropout_missing(const MetaModel& model);
Violations check_normalization_missing(const MetaModel& model);
Violations check_normalization_batch(const MetaModel& model);
Violations check_bias_before_normalization(const MetaModel& model);
// weights
Violations check_equal_weights(const MetaModel& model);
Violations check_weight_scale(const MetaModel& model);
Violations check_tied_parameters(const MetaModel& model);
Violations check_untied_parameters(const MetaModel& model);
// optimizer and data
Violations check_learning_rate(const MetaModel& model);
Violations check_optimizer_settings(const MetaModel& model);
Violations check_batch_size(const MetaModel& model);
Violations check_little_data(const MetaModel& model);
Violations check_constant_feature(const MetaModel& model);
Violations check_feature_scale(const MetaModel& model);

}  // namespace sonde::rules
