# The project's few build rules, so that every folder's CMakeLists.txt is a list of files.

set(ECS_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes
                 -Wvla -Wformat=2 -fno-common)

# ecs_library(NAME SOURCES a.c b.c [LIBS x y])  a static library of one folder
function(ecs_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${ECS_WARNINGS})
  target_link_libraries(${name} PUBLIC ${A_LIBS})
endfunction()

# ecs_program(NAME SOURCES a.c [LIBS x y])
function(ecs_program name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${ECS_WARNINGS})
  target_link_libraries(${name} PRIVATE ${A_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# ecs_test(NAME SOURCES a.c [LIBS x y] [ARGS ...] [TIMEOUT s] [LABELS ...])  a cmocka program run by CTest
function(ecs_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LIBS;ARGS;LABELS" ${ARGN})
  ecs_program(${name} SOURCES ${A_SOURCES} LIBS ${A_LIBS} PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND ${name} ${A_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "unit;${A_LABELS}")
endfunction()

# ecs_fuzz(NAME SOURCES a.c [LIBS x y])  a libFuzzer target (clang with -DECS_FUZZ=ON); otherwise a program that
# replays the files named on its command line, so that the corpus is an ordinary test.
function(ecs_fuzz name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  if(ECS_FUZZ)
    ecs_program(${name} SOURCES ${A_SOURCES} LIBS ${A_LIBS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    ecs_program(${name} SOURCES ${A_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay.c LIBS ${A_LIBS})
    file(GLOB corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name}/*)
    if(corpus)
      add_test(NAME ${name}_corpus COMMAND ${name} ${corpus})
      set_tests_properties(${name}_corpus PROPERTIES TIMEOUT 60 LABELS "fuzz")
    endif()
  endif()
endfunction()
