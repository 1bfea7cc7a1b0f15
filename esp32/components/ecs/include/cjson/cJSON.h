/*
 * cJSON under the name that Linux distributions install it by: portable code includes <cjson/cJSON.h>,
 * ESP-IDF's component has the bare header.
 */
#ifndef ECS_CJSON_CJSON_H
#define ECS_CJSON_CJSON_H

#include <cJSON.h> /* IWYU pragma: export */

#endif
