# Runs an example: cmake -DPROGRAM=... -DARGUMENTS=... -DOUTPUT=... -P expect.cmake. It must end well, and what it
# prints must match every regular expression in OUTPUT; && stands between them.
execute_process(COMMAND "${PROGRAM}" ${ARGUMENTS} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE result)
message("${out}${err}")
if(NOT result EQUAL 0)
  message(FATAL_ERROR "ended with ${result}")
endif()
string(REPLACE "&&" ";" OUTPUT "${OUTPUT}")
foreach(expected IN LISTS OUTPUT)
  if(NOT "${out}" MATCHES "${expected}")
    message(FATAL_ERROR "what it prints does not match: ${expected}")
  endif()
endforeach()
