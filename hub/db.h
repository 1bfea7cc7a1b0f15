/*
 * db: the hub's SQLite file: opening, schema versions, prepared statements, and one transaction per batch of
 * work. The schema is told in docs/hub.md. One thread.
 */
#ifndef HUB_DB_H
#define HUB_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DB_SCHEMA_VERSION = 2 };

enum db_statement {
    DB_SETTING_GET,
    DB_SETTING_PUT,
    DB_STATIONS,
    DB_STATION_PUT,
    DB_STATION_SEEN,
    DB_STATION_HOLD,
    DB_STATION_FORGET,
    DB_CONNECTOR_PUT,
    DB_CONNECTORS,
    DB_TX_ADD,
    DB_TX_UPDATE,
    DB_TX_GET,
    DB_TX_LIST,
    DB_TX_LIST_OF,
    DB_TX_OPEN,
    DB_TX_EVENT_ADD,
    DB_TX_EVENTS,
    DB_TX_GAPS,
    DB_METER_ADD,
    DB_METER_OF_TX,
    DB_METER_PRUNE,
    DB_LOG_ADD,
    DB_LOG_GET,
    DB_LOG_PRUNE,
    DB_VARIABLE_PUT,
    DB_VARIABLES,
    DB_LINE_ADD,
    DB_UPLOAD_ADD,
    DB_UPLOAD_STATUS,
    DB_UPLOAD_NAME,
    DB_UPLOAD_ARRIVED,
    DB_UPLOAD_BY_TOKEN,
    DB_UPLOAD_LAST,
    DB_UPLOADS,
    DB_UPLOAD_GET,
    DB_UPLOAD_FORGET,
    DB_UPLOADS_BEFORE,
    DB_UPDATE_ADD,
    DB_UPDATE_STATUS,
    DB_UPDATE_PERCENT,
    DB_UPDATE_LAST,
    DB_UPDATES,
    DB_HISTORY_ADD,
    DB_HISTORY,
    DB_HISTORY_PRUNE,
    DB_STATEMENTS,
};

struct db;

/* Held by one process at a time, see lock() in db.c. NULL: what is wrong, and what to do, in err. */
struct db *db_open(const char *file, char *err, size_t cap);
void db_close(struct db *d);

/*
 * Binds by types: 't' const char * (NULL: NULL), 'i' int64_t, 'n' int64_t (0: NULL), 'd' double (NaN: NULL).
 * db_put runs a writing statement inside the batch; false: it failed, see db_error. *changes (may be NULL):
 * rows written.
 */
bool db_put(struct db *d, enum db_statement st, int *changes, const char *types, ...);
/* Statement to step with sqlite3_step and give back with db_done. NULL: failed. */
sqlite3_stmt *db_get(struct db *d, enum db_statement st, const char *types, ...);
void db_done(sqlite3_stmt *st);

/* Of the row that db_put has added last. */
int64_t db_last_id(const struct db *d);

/* Ends the batch. false: nothing of it was kept. */
bool db_commit(struct db *d);
/* The last failure, "" if there was none since the last commit that worked. */
const char *db_error(const struct db *d);

#endif
