# The fused kernels are compiled once per instruction set and chosen when the program runs, so that one binary serves
# every node of a cluster. All of them round alike: -ffp-contract=off holds for the whole house.
set(bitdarts_kernels ${CMAKE_CURRENT_LIST_DIR}/mixed_kernel)
set_source_files_properties(${bitdarts_kernels}_baseline.cpp PROPERTIES COMPILE_OPTIONS "-O3")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_source_files_properties(${bitdarts_kernels}_avx2.cpp PROPERTIES COMPILE_OPTIONS "-O3;-march=x86-64-v3")
  set_source_files_properties(${bitdarts_kernels}_avx512.cpp PROPERTIES COMPILE_OPTIONS "-O3;-march=x86-64-v4")
endif()
