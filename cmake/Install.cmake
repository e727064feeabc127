# What `cmake --install` adds to the libraries and headers, and the test that a project outside can use it.
include(CMakePackageConfigHelpers)

set(VMREF_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/vmref)

install(TARGETS vmref RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES traces/schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/vmref)

install(EXPORT vmrefTargets NAMESPACE vmref:: DESTINATION ${VMREF_PACKAGE_DIR})
configure_package_config_file(cmake/vmrefConfig.cmake.in vmrefConfig.cmake INSTALL_DESTINATION ${VMREF_PACKAGE_DIR})
write_basic_package_version_file(vmrefConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vmrefConfig.cmake ${PROJECT_BINARY_DIR}/vmrefConfigVersion.cmake
        DESTINATION ${VMREF_PACKAGE_DIR})

if(BUILD_TESTING)
    add_test(
        NAME install_consumer
        COMMAND
            ${CMAKE_COMMAND} -D BUILD_DIR=${PROJECT_BINARY_DIR} -D CONSUMER_DIR=${PROJECT_SOURCE_DIR}/tests/consumer
            -D GENERATOR=${CMAKE_GENERATOR} -D CXX=${CMAKE_CXX_COMPILER} -D "CXX_FLAGS=${CMAKE_CXX_FLAGS}" -P
            ${PROJECT_SOURCE_DIR}/cmake/install_consumer_test.cmake)
    set_tests_properties(install_consumer PROPERTIES TIMEOUT 300)
endif()
