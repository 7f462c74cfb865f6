# cmake --install: executables in bin/, pipelines under share/bitdarts/, where `bitdarts-run` finds them.
get_property(bitdarts_stages GLOBAL PROPERTY BITDARTS_STAGES)
if(bitdarts_stages)
  install(TARGETS ${bitdarts_stages} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY pipelines/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bitdarts/pipelines USE_SOURCE_PERMISSIONS)
