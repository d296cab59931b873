# Who may include whom: the table of docs/architecture.md, as a test. Include paths start at include/, src/ or the root.
#
#   cmake -Droot=<source folder> -P include_rule.cmake
cmake_minimum_required(VERSION 3.25)

# Headers that are plain data or numbers; every folder may use them.
set(plain sonde/analyzer.h sonde/comparison.h sonde/finding.h sonde/metric.h sonde/report.h sonde/timeline.h sonde/options.h sonde/meta_model.h
          sonde/rules.h sonde/version.h)

# Folder: the folders whose headers it may include, beside its own and the plain ones. "*" is all.
set(may_include_src/trace "")
set(may_include_src/rules trace)
set(may_include_src/analysis trace rules)
set(may_include_src/report trace analysis)
set(may_include_src/runtime trace rules analysis report)
set(may_include_src/command trace rules analysis report runtime)
set(may_include_src/formats "")
set(may_include_src/monitor *)
set(may_include_src/preflight *)
set(may_include_src/compare trace formats probes report)
set(may_include_probes trace)
set(folders src/trace src/analysis src/rules src/report src/runtime src/formats src/command src/monitor src/preflight
            src/compare probes)

# Only these may include LibTorch. They may not include fmt and spdlog: LibTorch may bring an fmt of its own.
set(with_torch src/monitor src/preflight src/compare probes)
set(torch_headers "^(ATen|c10|torch|caffe2)/")
set(private_headers "^(fmt|spdlog)/")

set(violations 0)
macro(violation text)
  message("${file}: ${text}")
  math(EXPR violations "${violations} + 1")
endmacro()

function(includes_of file result)
  file(STRINGS "${root}/${file}" lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"]")
  list(TRANSFORM lines REPLACE ".*include[ \t]*[<\"]([^>\"]+)[>\"].*" "\\1")
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

foreach(folder IN LISTS folders)
  get_filename_component(own "${folder}" NAME)
  file(GLOB_RECURSE files RELATIVE "${root}" "${root}/${folder}/*.h" "${root}/${folder}/*.cc")
  foreach(file IN LISTS files)
    includes_of("${file}" headers)
    foreach(header IN LISTS headers)
      string(REGEX MATCH "^[^/]+/" first "${header}")
      string(REGEX REPLACE "/$" "" first "${first}")
      if(header MATCHES "${torch_headers}" AND NOT folder IN_LIST with_torch)
        violation("includes <${header}>, but ${folder} must build without LibTorch")
      elseif(header MATCHES "${private_headers}" AND folder IN_LIST with_torch)
        violation("includes <${header}> where LibTorch's headers are")
      elseif(header MATCHES "^sonde/" AND NOT header IN_LIST plain AND NOT folder IN_LIST with_torch)
        violation("includes <${header}>, which needs LibTorch's types")
      elseif(first MATCHES "^(trace|analysis|rules|report|runtime|command|monitor|preflight|probes|compare|formats)$"
             AND NOT first STREQUAL own AND NOT first IN_LIST may_include_${folder}
             AND NOT may_include_${folder} STREQUAL "*")
        violation("includes \"${header}\", which ${folder} may not")
      elseif(header MATCHES "\\.\\.|^src/|^include/|^(tests|benchmarks|examples)/")
        violation("includes \"${header}\": name headers as \"folder/header.h\"")
      endif()
    endforeach()
  endforeach()
endforeach()

file(GLOB public RELATIVE "${root}" "${root}/include/sonde/*.h")
foreach(file IN LISTS public)
  includes_of("${file}" headers)
  foreach(header IN LISTS headers)
    if(header MATCHES "^torch/(torch|all)\\.h$|^(trace|analysis|rules|report|runtime|command|monitor|preflight|probes|compare|formats)/|${private_headers}")
      violation("a public header must not include ${header}")
    endif()
  endforeach()
endforeach()

if(violations)
  message(FATAL_ERROR "${violations} includes against the rule")
endif()
