# What the boot loader does, and the maker's side of firmware: used by ecs-launch, ecs-image, ecs-sim and tests/update.
ecs_library(ecs_linux_firmware SOURCES ${CMAKE_CURRENT_LIST_DIR}/flash_part.c ${CMAKE_CURRENT_LIST_DIR}/slots.c
                                       ${CMAKE_CURRENT_LIST_DIR}/image_sign.c ${CMAKE_CURRENT_LIST_DIR}/sim_firmware.c
                                       ${CMAKE_CURRENT_LIST_DIR}/version.c
            LIBS ecs_update ecs_linux_storage)
target_compile_definitions(ecs_linux_firmware PRIVATE ECS_VERSION="${PROJECT_VERSION}")
