# cmake --install: executables in bin/, their libraries in lib/bitdarts/ beside it, pipelines under share/bitdarts/, where
# `bitdarts-run` finds them. The scripts for a cluster are under share/bitdarts/slurm/.
get_property(bitdarts_stages GLOBAL PROPERTY BITDARTS_STAGES)
get_property(bitdarts_libraries GLOBAL PROPERTY BITDARTS_LIBRARIES)
add_custom_target(bitdarts_stages DEPENDS ${bitdarts_stages})  # what pipelines/run builds: no tests
if(bitdarts_stages)
  # A LibTorch outside the system's directories stays where it is, and so does the chosen BLAS. One run path for
  # both trees: CMake would pad that of the build with colons, and an empty entry means the current directory.
  set_target_properties(${bitdarts_stages} PROPERTIES BUILD_WITH_INSTALL_RPATH ON
                        INSTALL_RPATH ${bitdarts_run_path} INSTALL_RPATH_USE_LINK_PATH ON)
  set_target_properties(${bitdarts_libraries} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH $ORIGIN
                        INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ${bitdarts_stages} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS ${bitdarts_libraries} LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR}/../lib/bitdarts)
endif()
install(PROGRAMS pipelines/run DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME bitdarts-run)
install(PROGRAMS pipelines/sweep DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME bitdarts-run-sweep)
install(DIRECTORY pipelines/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bitdarts/pipelines USE_SOURCE_PERMISSIONS
        PATTERN run EXCLUDE PATTERN sweep EXCLUDE PATTERN status EXCLUDE)
install(DIRECTORY slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bitdarts/slurm USE_SOURCE_PERMISSIONS
        PATTERN site.sh EXCLUDE)
