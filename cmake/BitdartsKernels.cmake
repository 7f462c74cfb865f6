# bitdarts_kernels(<stem>): <stem>_baseline.cpp, <stem>_avx2.cpp and <stem>_avx512.cpp are one kernel, compiled once per
# instruction set and chosen when the program runs (core/instruction_set.hpp), so that one binary serves every node of a
# cluster. All of them round alike: -ffp-contract=off holds for the whole house. They see no LibTorch: an inline function
# compiled for AVX-512 could otherwise be the copy that the linker keeps for everyone.
function(bitdarts_kernels stem)
  set(common -O3 -Wno-psabi)  # vectors are never passed between files
  set(avx2 -march=x86-64-v3)
  set(avx512 -march=x86-64-v4)
  foreach(set baseline avx2 avx512)
    set(options ${common})
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
      list(APPEND options ${${set}})
    endif()
    set_source_files_properties(${stem}_${set}.cpp PROPERTIES COMPILE_OPTIONS "${options}" SKIP_PRECOMPILE_HEADERS ON)
  endforeach()
endfunction()
