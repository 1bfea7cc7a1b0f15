/*
 * memory: what the station needs of the ESP32's memory, held against what there is, at compile time and with
 * the chip's sizes (32 bits). Compiled only.
 */
#include "ocpp/v201/v201.h"
#include "station/station.h"

enum { KB = 1024 };

/*
 * Without PSRAM (esp32/sdkconfig.qemu, ECS_SMALL_MEMORY) OCPP's memory is one block of the internal heap.
 * ESP-IDF's start-up log shows two large regions on an ESP32: 111 KB that nothing static touches, and about
 * 180 KB less what is static. libwebsockets (23 KB with a connection), Ethernet, stacks and lwIP need most of
 * the second.
 */
_Static_assert(sizeof(struct rpc) + sizeof(struct v201) <= 96 * KB,
               "OCPP does not fit a board without PSRAM: see ECS_SMALL_MEMORY and the tables' sizes");

/* In internal RAM on every board, because the interrupt works on the guard in it. */
_Static_assert(sizeof(struct station) <= 40 * KB, "the station takes too much of the internal RAM");
