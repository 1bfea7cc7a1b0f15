# The emulated flash and the settings file: used by ecs-sim and by the tests of store/.
ecs_library(ecs_linux_storage SOURCES ${CMAKE_CURRENT_LIST_DIR}/flash_file.c ${CMAKE_CURRENT_LIST_DIR}/kv_file.c
            LIBS ecs_store)
