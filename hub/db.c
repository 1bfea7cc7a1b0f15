/* db: see db.h. */
#include "hub/db.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct db {
    sqlite3 *sql;
    char *lock_file; /* NULL: none (":memory:") */
    int lock_fd;
    sqlite3_stmt *statement[DB_STATEMENTS];
    bool in_batch, batch_failed;
    char error[256];
};

/* A later version is another string that alters the one before; they run in order. */
static const char *const schema[DB_SCHEMA_VERSION] = {
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE station (id TEXT PRIMARY KEY, vendor TEXT, model TEXT, serial TEXT, firmware TEXT,"
    " registration TEXT NOT NULL DEFAULT '', boot_reason TEXT, booted_ms INTEGER, seen_ms INTEGER, "
    "first_seen_ms INTEGER,"
    " policy TEXT NOT NULL DEFAULT 'Accepted', policy_interval_s INTEGER NOT NULL DEFAULT 0,"
    " hold TEXT NOT NULL DEFAULT '', fallback_ma INTEGER NOT NULL DEFAULT -1) WITHOUT ROWID;"
    "CREATE TABLE connector (station TEXT NOT NULL, evse INTEGER NOT NULL, connector INTEGER NOT NULL,"
    " status TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (station, evse, connector)) WITHOUT ROWID;"
    "CREATE TABLE tx (station TEXT NOT NULL, id TEXT NOT NULL, evse INTEGER, connector INTEGER, token TEXT,"
    " token_type TEXT, token_status TEXT, remote_start_id INTEGER, started_ms INTEGER, ended_ms INTEGER,"
    " start_wh REAL, last_wh REAL, charging_state TEXT, stopped_reason TEXT, last_seq INTEGER NOT NULL,"
    " PRIMARY KEY (station, id)) WITHOUT ROWID;"
    "CREATE INDEX tx_by_time ON tx (started_ms);"
    "CREATE TABLE tx_event (station TEXT NOT NULL, tx TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT "
    "NULL,"
    " trigger_reason TEXT NOT NULL, at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, offline INTEGER "
    "NOT NULL,"
    " charging_state TEXT, rest TEXT, PRIMARY KEY (station, tx, seq)) WITHOUT ROWID;"
    "CREATE TABLE meter_value (id INTEGER PRIMARY KEY, station TEXT NOT NULL, evse INTEGER NOT NULL, tx TEXT,"
    " at_ms INTEGER NOT NULL, context TEXT, wh REAL, w REAL, i1 REAL, i2 REAL, i3 REAL, v1 REAL, v2 REAL, v3 "
    "REAL,"
    " offered_a REAL, hz REAL, rest TEXT);"
    "CREATE INDEX meter_value_by_tx ON meter_value (station, tx, at_ms);"
    "CREATE TABLE log (id INTEGER PRIMARY KEY, station TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT "
    "NULL,"
    " level TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX log_by_station ON log (station, id);"
    "CREATE TABLE variable (station TEXT NOT NULL, component TEXT NOT NULL, component_instance TEXT NOT NULL,"
    " evse INTEGER NOT NULL, connector INTEGER NOT NULL, name TEXT NOT NULL, instance TEXT NOT NULL,"
    " attribute TEXT NOT NULL, value TEXT, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY (station, component, component_instance, evse, connector, name, instance, attribute)) "
    "WITHOUT ROWID;",
    /* 2: lines of stations by boot and number, so that one that is sent again is stored once; logs and
     * firmware; the chart over a restart */
    "ALTER TABLE log ADD COLUMN module TEXT;"
    "ALTER TABLE log ADD COLUMN boot TEXT;"
    "ALTER TABLE log ADD COLUMN n INTEGER;"
    "CREATE UNIQUE INDEX log_once ON log (station, boot, n) WHERE n IS NOT NULL;"
    "CREATE TABLE upload (id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, type TEXT NOT NULL,"
    " token TEXT NOT NULL UNIQUE, asked_ms INTEGER NOT NULL, status TEXT NOT NULL, status_ms INTEGER NOT "
    "NULL,"
    " name TEXT, size INTEGER, received_ms INTEGER);"
    "CREATE INDEX upload_by_station ON upload (station, id);"
    "CREATE TABLE firmware_update (id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL,"
    " image TEXT NOT NULL, asked_ms INTEGER NOT NULL, status TEXT NOT NULL, status_ms INTEGER NOT NULL,"
    " percent INTEGER);"
    "CREATE INDEX firmware_update_by_station ON firmware_update (station, id);"
    "CREATE TABLE history (at_ms INTEGER PRIMARY KEY, i1 REAL NOT NULL, i2 REAL NOT NULL, i3 REAL NOT NULL,"
    " limit_a REAL NOT NULL);",
};

static const char *const text[DB_STATEMENTS] = {
    [DB_SETTING_GET] = "SELECT value FROM setting WHERE name=?1",
    [DB_SETTING_PUT] = "INSERT INTO setting VALUES (?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value",
    [DB_STATIONS] =
        "SELECT id,vendor,model,serial,firmware,registration,boot_reason,booted_ms,seen_ms,policy,"
        "policy_interval_s,hold,fallback_ma FROM station ORDER BY id",
    [DB_STATION_PUT] =
        "INSERT INTO station "
        "(id,vendor,model,serial,firmware,registration,boot_reason,booted_ms,seen_ms,first_seen_ms,"
        "policy,policy_interval_s) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?9,?10,?11) ON CONFLICT DO UPDATE SET"
        " vendor=excluded.vendor,model=excluded.model,serial=excluded.serial,firmware=excluded.firmware,"
        "registration=excluded.registration,boot_reason=excluded.boot_reason,booted_ms=excluded.booted_ms,"
        "seen_ms=excluded.seen_ms,policy=excluded.policy,policy_interval_s=excluded.policy_interval_s",
    [DB_STATION_SEEN] = "UPDATE station SET seen_ms=?2 WHERE id=?1",
    [DB_STATION_HOLD] = "UPDATE station SET hold=?2,fallback_ma=?3 WHERE id=?1",
    [DB_STATION_FORGET] = "DELETE FROM station WHERE id=?1",
    [DB_CONNECTOR_PUT] = "INSERT INTO connector VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET"
                         " status=excluded.status,at_ms=excluded.at_ms",
    [DB_CONNECTORS] =
        "SELECT evse,connector,status,at_ms FROM connector WHERE station=?1 ORDER BY evse,connector",
    [DB_TX_ADD] = "INSERT INTO tx (station,id,last_seq) VALUES (?1,?2,-1) ON CONFLICT DO NOTHING",
    [DB_TX_UPDATE] =
        "UPDATE tx SET evse=coalesce(?3,evse),connector=coalesce(?4,connector),token=coalesce(?5,token),"
        "token_type=coalesce(?6,token_type),token_status=coalesce(?7,token_status),"
        "remote_start_id=coalesce(?8,remote_start_id),"
        /* min() and max() of SQLite give NULL when an argument is NULL */
        "started_ms=coalesce(min(started_ms,?9),started_ms,?9),ended_ms=coalesce(?10,ended_ms),"
        "start_wh=coalesce(min(start_wh,?11),start_wh,?11),last_wh=coalesce(max(last_wh,?11),last_wh,?11),"
        "charging_state=CASE WHEN ?14>last_seq THEN coalesce(?12,charging_state) ELSE charging_state END,"
        "stopped_reason=coalesce(?13,stopped_reason),last_seq=max(last_seq,?14) WHERE station=?1 AND id=?2",
    [DB_TX_GET] =
        "SELECT station,id,evse,connector,token,token_type,token_status,remote_start_id,started_ms,ended_ms,"
        "start_wh,last_wh,charging_state,stopped_reason,last_seq,"
        "(SELECT count(*) FROM tx_event e WHERE e.station=tx.station AND e.tx=tx.id) FROM tx"
        " WHERE (?2 IS NULL OR station=?2) AND id=?1 ORDER BY started_ms DESC LIMIT 1",
    [DB_TX_LIST] =
        "SELECT station,id,evse,connector,token,token_type,token_status,remote_start_id,started_ms,ended_ms,"
        "start_wh,last_wh,charging_state,stopped_reason,last_seq,"
        "(SELECT count(*) FROM tx_event e WHERE e.station=tx.station AND e.tx=tx.id) FROM tx"
        " ORDER BY started_ms DESC LIMIT ?1 OFFSET ?2",
    [DB_TX_LIST_OF] =
        "SELECT station,id,evse,connector,token,token_type,token_status,remote_start_id,started_ms,ended_ms,"
        "start_wh,last_wh,charging_state,stopped_reason,last_seq,"
        "(SELECT count(*) FROM tx_event e WHERE e.station=tx.station AND e.tx=tx.id) FROM tx"
        " WHERE station=?3 ORDER BY started_ms DESC LIMIT ?1 OFFSET ?2",
    [DB_TX_OPEN] =
        "SELECT "
        "id,evse,token,token_status,remote_start_id,started_ms,start_wh,last_wh,charging_state,last_seq"
        " FROM tx WHERE station=?1 AND ended_ms IS NULL ORDER BY started_ms",
    [DB_TX_EVENT_ADD] = "INSERT INTO tx_event VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT DO NOTHING",
    [DB_TX_EVENTS] =
        "SELECT seq,type,trigger_reason,at_ms,received_ms,offline,charging_state,rest FROM tx_event"
        " WHERE station=?1 AND tx=?2 ORDER BY seq",
    [DB_TX_GAPS] = "SELECT max(seq)+1-count(*) FROM tx_event WHERE station=?1 AND tx=?2",
    [DB_METER_ADD] =
        "INSERT INTO meter_value (station,evse,tx,at_ms,context,wh,w,i1,i2,i3,v1,v2,v3,offered_a,hz,rest)"
        " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    [DB_METER_OF_TX] = "SELECT at_ms,context,wh,w,i1,i2,i3,v1,v2,v3,offered_a,hz,rest FROM meter_value"
                       " WHERE station=?1 AND tx=?2 ORDER BY at_ms,id LIMIT ?3",
    [DB_METER_PRUNE] = "DELETE FROM meter_value WHERE at_ms<?1",
    [DB_LOG_ADD] = "INSERT INTO log (station,at_ms,kind,level,text) VALUES (?1,?2,?3,?4,?5)",
    [DB_LOG_GET] =
        "SELECT id,at_ms,kind,level,text,module FROM log WHERE station=?1 AND id<?2 AND at_ms>=?3"
        " AND (?4 IS NULL OR kind=?4) AND (?5 IS NULL OR level=?5) AND (?6 IS NULL OR "
        "instr(lower(text),lower(?6))) AND id>?8 AND at_ms<=?9 AND (?10 IS NULL OR module=?10)"
        " AND (?11 IS NULL OR level IN ('error',CASE WHEN ?11<>'error' THEN 'warning' END,"
        "CASE WHEN ?11 IN ('info','debug') THEN 'info' END,CASE WHEN ?11='debug' THEN 'debug' END))"
        " ORDER BY id DESC LIMIT ?7",
    [DB_LOG_PRUNE] = "DELETE FROM log WHERE at_ms<?1",
    [DB_VARIABLE_PUT] =
        "INSERT INTO variable VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT DO UPDATE SET"
        " value=excluded.value,at_ms=excluded.at_ms",
    [DB_VARIABLES] =
        "SELECT component,component_instance,evse,connector,name,instance,attribute,value,at_ms FROM variable"
        " WHERE station=?1 ORDER BY component,component_instance,evse,connector,name,instance,attribute",
    [DB_LINE_ADD] = "INSERT INTO log (station,at_ms,kind,level,text,module,boot,n)"
                    " VALUES (?1,?2,'log',?3,?4,?5,?6,?7) ON CONFLICT DO NOTHING",
    [DB_UPLOAD_ADD] = "INSERT INTO upload (station,type,token,asked_ms,status,status_ms)"
                      " VALUES (?1,?2,?3,?4,'Asked',?4)",
    [DB_UPLOAD_STATUS] = "UPDATE upload SET status=?3,status_ms=?4 WHERE id=?2 AND station=?1",
    [DB_UPLOAD_NAME] = "UPDATE upload SET name=?2 WHERE id=?1",
    [DB_UPLOAD_ARRIVED] =
        "UPDATE upload SET name=coalesce(nullif(?2,''),name,''),size=?3,received_ms=?4 WHERE id=?1",
    [DB_UPLOAD_BY_TOKEN] = "SELECT id,station,asked_ms,status FROM upload WHERE token=?1",
    [DB_UPLOAD_LAST] = "SELECT id,type,asked_ms,status,status_ms,size FROM upload WHERE station=?1"
                       " ORDER BY id DESC LIMIT 1",
    [DB_UPLOADS] = "SELECT id,type,asked_ms,status,status_ms,name,size,received_ms FROM upload"
                   " WHERE station=?1 ORDER BY id DESC LIMIT ?2",
    [DB_UPLOAD_GET] = "SELECT station,name,size,received_ms FROM upload WHERE id=?1 AND station=?2",
    [DB_UPLOAD_FORGET] = "DELETE FROM upload WHERE id=?1",
    [DB_UPLOADS_BEFORE] = "SELECT id FROM upload WHERE asked_ms<?1 LIMIT 100",
    [DB_UPDATE_ADD] = "INSERT INTO firmware_update (station,image,asked_ms,status,status_ms)"
                      " VALUES (?1,?2,?3,'Asked',?3)",
    [DB_UPDATE_STATUS] = "UPDATE firmware_update SET status=?3,status_ms=?4 WHERE id=?2 AND station=?1",
    [DB_UPDATE_PERCENT] = "UPDATE firmware_update SET percent=?3 WHERE id=?2 AND station=?1",
    [DB_UPDATE_LAST] = "SELECT id,image,asked_ms,status,status_ms,percent FROM firmware_update"
                       " WHERE station=?1 ORDER BY id DESC LIMIT 1",
    [DB_UPDATES] = "SELECT id,image,asked_ms,status,status_ms,percent FROM firmware_update"
                   " WHERE station=?1 ORDER BY id DESC LIMIT ?2",
    [DB_HISTORY_ADD] = "INSERT OR REPLACE INTO history VALUES (?1,?2,?3,?4,?5)",
    [DB_HISTORY] = "SELECT at_ms,i1,i2,i3,limit_a FROM (SELECT * FROM history ORDER BY at_ms DESC LIMIT ?1)"
                   " ORDER BY at_ms",
    [DB_HISTORY_PRUNE] = "DELETE FROM history WHERE at_ms<?1",
};

static bool run(struct db *d, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(d->sql, sql, NULL, NULL, &why) == SQLITE_OK)
        return true;
    snprintf(d->error, sizeof(d->error), "%s", why ? why : sqlite3_errmsg(d->sql));
    sqlite3_free(why);
    return false;
}

static bool upgrade(struct db *d, char *err, size_t cap)
{
    sqlite3_stmt *st = NULL;
    int version = 0;
    if (sqlite3_prepare_v2(d->sql, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK) {
        snprintf(err, cap, "not a database of the hub: %s (give another --db, or move the file away)",
                 sqlite3_errmsg(d->sql));
        return false;
    }
    if (sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    else
        snprintf(err, cap, "can't read the database: %s", sqlite3_errmsg(d->sql));
    bool read = sqlite3_column_count(st) > 0 && sqlite3_errcode(d->sql) == SQLITE_ROW;
    sqlite3_finalize(st);
    if (!read)
        return false;
    if (version > DB_SCHEMA_VERSION) {
        snprintf(err, cap,
                 "the database was written by a newer hub (schema %d, this one knows %d): use that hub",
                 version, DB_SCHEMA_VERSION);
        return false;
    }
    for (; version < DB_SCHEMA_VERSION; version++) {
        char mark[48];
        snprintf(mark, sizeof(mark), "PRAGMA user_version=%d", version + 1);
        if (!run(d, "BEGIN IMMEDIATE") || !run(d, schema[version]) || !run(d, mark) || !run(d, "COMMIT")) {
            snprintf(err, cap, "can't set up the database: %s", d->error);
            return false;
        }
    }
    return true;
}

/*
 * Two hubs on one file would share out the site's current twice. A lock of SQLite would shut out people who
 * only read, so a file of its own beside the database is locked for as long as the hub lives; the system lets
 * go of it when the process ends in whatever way.
 */
static bool lock(struct db *d, char *err, size_t cap)
{
    const char *whole = sqlite3_db_filename(d->sql, "main"); /* symbolic links are followed */
    if (!whole || !whole[0])
        return true;
    size_t n = strlen(whole) + sizeof("-lock");
    if (!(d->lock_file = malloc(n))) {
        snprintf(err, cap, "out of memory");
        return false;
    }
    snprintf(d->lock_file, n, "%s-lock", whole);
    for (;;) {
        d->lock_fd = open(d->lock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (d->lock_fd < 0 || fcntl(d->lock_fd, F_SETLK, &l) != 0) {
            if (d->lock_fd < 0 || (errno != EACCES && errno != EAGAIN))
                snprintf(err, cap, "can't lock the database with %s: %s", d->lock_file, strerror(errno));
            else if (fcntl(d->lock_fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
                snprintf(err, cap,
                         "another hub (process %ld) uses the database %s: end it, or give another --db",
                         (long)l.l_pid, whole);
            else
                snprintf(err, cap, "another hub used the database %s until now: try again", whole);
            return false;
        }
        /* One that ended just now may have removed the name of what we have locked. */
        struct stat mine, there;
        if (fstat(d->lock_fd, &mine) == 0 && stat(d->lock_file, &there) == 0 && mine.st_ino == there.st_ino &&
            mine.st_dev == there.st_dev)
            return true;
        close(d->lock_fd);
    }
}

struct db *db_open(const char *file, char *err, size_t cap)
{
    struct db *d = calloc(1, sizeof(*d));
    if (!d) {
        snprintf(err, cap, "out of memory");
        return NULL;
    }
    d->lock_fd = -1;
    if (sqlite3_open_v2(file, &d->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
        snprintf(err, cap, "can't open the database %s: %s", file,
                 d->sql ? sqlite3_errmsg(d->sql) : "out of memory");
        db_close(d);
        return NULL;
    }
    if (!lock(d, err, cap)) {
        if (d->lock_fd >= 0)
            close(d->lock_fd);
        d->lock_fd = -1; /* its name is not ours to remove */
        db_close(d);
        return NULL;
    }
    sqlite3_busy_timeout(d->sql, 5000);
    /* FULL: what a station was told is stored must survive a power cut of the server. */
    if (!run(d, "PRAGMA journal_mode=WAL") || !run(d, "PRAGMA synchronous=FULL")) {
        snprintf(err, cap, "can't use the database %s: %s", file, d->error);
        db_close(d);
        return NULL;
    }
    bool ok = upgrade(d, err, cap);
    for (int i = 0; ok && i < DB_STATEMENTS; i++)
        if (sqlite3_prepare_v3(d->sql, text[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statement[i], NULL) !=
            SQLITE_OK) {
            snprintf(err, cap, "the database %s does not fit this hub: %s", file, sqlite3_errmsg(d->sql));
            ok = false;
        }
    if (!ok) {
        db_close(d);
        return NULL;
    }
    d->error[0] = 0;
    return d;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    if (d->in_batch)
        db_commit(d);
    for (int i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(d->statement[i]);
    sqlite3_close(d->sql);
    if (d->lock_fd >= 0) {
        unlink(d->lock_file); /* before it is let go: see lock() */
        close(d->lock_fd);
    }
    free(d->lock_file);
    free(d);
}

static bool bind(sqlite3_stmt *st, const char *types, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        if (types[i] == 't') {
            const char *s = va_arg(ap, const char *);
            rc = s ? sqlite3_bind_text(st, i + 1, s, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(st, i + 1);
        } else if (types[i] == 'i') {
            rc = sqlite3_bind_int64(st, i + 1, va_arg(ap, int64_t));
        } else if (types[i] == 'n') {
            int64_t v = va_arg(ap, int64_t);
            rc = v ? sqlite3_bind_int64(st, i + 1, v) : sqlite3_bind_null(st, i + 1);
        } else {
            double v = va_arg(ap, double);
            rc = isnan(v) ? sqlite3_bind_null(st, i + 1) : sqlite3_bind_double(st, i + 1, v);
        }
    }
    return rc == SQLITE_OK;
}

static void failed(struct db *d)
{
    snprintf(d->error, sizeof(d->error), "%s", sqlite3_errmsg(d->sql));
}

bool db_put(struct db *d, enum db_statement which, int *changes, const char *types, ...)
{
    if (changes)
        *changes = 0;
    if (d->batch_failed) /* nothing of this batch will be kept: no use in waiting again */
        return false;
    if (!d->in_batch) {
        if (!run(d, "BEGIN IMMEDIATE")) {
            d->batch_failed = true;
            return false;
        }
        d->in_batch = true;
    }
    sqlite3_stmt *st = d->statement[which];
    va_list ap;
    va_start(ap, types);
    bool ok = bind(st, types, ap) && sqlite3_step(st) == SQLITE_DONE;
    va_end(ap);
    if (!ok) {
        failed(d);
        d->batch_failed = true;
    }
    if (changes && ok)
        *changes = sqlite3_changes(d->sql);
    db_done(st);
    return ok;
}

sqlite3_stmt *db_get(struct db *d, enum db_statement which, const char *types, ...)
{
    sqlite3_stmt *st = d->statement[which];
    va_list ap;
    va_start(ap, types);
    bool ok = bind(st, types, ap);
    va_end(ap);
    if (ok)
        return st;
    failed(d);
    db_done(st);
    return NULL;
}

void db_done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int64_t db_last_id(const struct db *d)
{
    return sqlite3_last_insert_rowid(d->sql);
}

bool db_commit(struct db *d)
{
    bool failed_before = d->batch_failed, began = d->in_batch;
    d->in_batch = d->batch_failed = false;
    if (!failed_before && (!began || run(d, "COMMIT"))) {
        if (began)
            d->error[0] = 0;
        return true;
    }
    if (began)
        sqlite3_exec(d->sql, "ROLLBACK", NULL, NULL, NULL); /* leaves the reason in error[] alone */
    return false;
}

const char *db_error(const struct db *d)
{
    return d->error;
}
