# Deliberate faults: each mutant is the simulation with one changed copy of a product file, linked before the library
# that holds the real one, which must be compiled by itself (common/CMakeLists.txt). Its test passes only if a checker
# finds the fault.
file(GLOB mutants CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.mutant)
foreach(mutant ${mutants})
  get_filename_component(name ${mutant} NAME_WE)
  file(STRINGS ${mutant} files REGEX "^>>> (common|services)/")
  set(copies)
  foreach(file ${files})
    string(SUBSTRING ${file} 4 -1 file)
    get_filename_component(base ${file} NAME)
    set(copy ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}/${base})
    add_custom_command(
      OUTPUT ${copy}
      COMMAND ${CMAKE_COMMAND} -DMUTANT=${mutant} -DSOURCE=${PROJECT_SOURCE_DIR} -DFILE=${file} -DOUT=${copy}
              -P ${CMAKE_CURRENT_LIST_DIR}/mutate.cmake
      DEPENDS ${mutant} ${PROJECT_SOURCE_DIR}/${file} ${CMAKE_CURRENT_LIST_DIR}/mutate.cmake)
    list(APPEND copies ${copy})
  endforeach()
  add_executable(mutant_${name} ${copies} $<TARGET_OBJECTS:sim_tests>)
  target_link_libraries(mutant_${name} PRIVATE porchlight_test_support GTest::gtest_main)
  target_compile_options(mutant_${name} PRIVATE ${quick_to_compile})
  target_precompile_headers(mutant_${name} REUSE_FROM porchlight_test_support)
  set_target_properties(mutant_${name} PROPERTIES UNITY_BUILD OFF RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/mutants)
  add_test(NAME sim.mutant.${name}
           COMMAND mutant_${name} --gtest_also_run_disabled_tests --gtest_filter=Mutant.DISABLED_IsFound)
  set_tests_properties(sim.mutant.${name} PROPERTIES TIMEOUT 300)
endforeach()
