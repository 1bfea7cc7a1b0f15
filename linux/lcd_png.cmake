# The panel's picture as PNG; a library of its own, as the panel's tests need no more than this.
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET GLOBAL libpng)
ecs_library(ecs_lcd_png SOURCES ${CMAKE_CURRENT_LIST_DIR}/lcd_png.c LIBS ecs_panel PkgConfig::PNG)
