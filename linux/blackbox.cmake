# ecs-blackbox: what a station's diagnostics file holds of the seconds around a fault, as a table and as pictures.
ecs_library(ecs_blackbox SOURCES ${CMAKE_CURRENT_LIST_DIR}/blackbox/box_file.c ${CMAKE_CURRENT_LIST_DIR}/blackbox/plot.c
            LIBS ecs_log ecs_core ecs_panel)
ecs_program(ecs-blackbox SOURCES ${CMAKE_CURRENT_LIST_DIR}/blackbox/main.c LIBS ecs_blackbox ecs_lcd_png)
