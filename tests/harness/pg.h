/* SPDX-License-Identifier: Apache-2.0 */
/* A throw-away PostgreSQL for component tests: its own folder, a unix socket only, no fsync.
 *
 * The first test program on a machine runs initdb and the migrations once into a
 * cached folder (named after PostgreSQL's version and the schema's digest); every
 * cluster is a copy of that, every test gets a database of its own.  As root, the
 * server runs as user postgres, which PostgreSQL insists on.  The server ends
 * with the test program, however that ends. */
#pragma once

typedef struct PgCluster PgCluster;

/* Before the test runner forks.  Ends the program with a message when it cannot. */
PgCluster *pg_start(void);
void pg_stop(PgCluster *cluster); /* and removes its folder */

/* A fresh, migrated database: its connection string, kept until pg_stop().  pg_empty(): no schema.
 */
const char *pg_database(PgCluster *cluster);
const char *pg_empty(PgCluster *cluster);
/* For long runs: the cluster lives in memory. */
void pg_drop(PgCluster *cluster, const char *database);

/* SIGKILL for every process of the server, all gone when it returns; then start it again
 * (recovery). */
void pg_kill(PgCluster *cluster);
void pg_restart(PgCluster *cluster);
/* SIGSTOP and SIGCONT for the server and its backends. */
void pg_freeze(PgCluster *cluster);
void pg_thaw(PgCluster *cluster);

/* One statement as the owner; ends the test when it fails.  The first value of the first row as
 * text,
 * "" when there is none; valid until the next call. */
const char *pg_ask(const char *conninfo, const char *statement);
/* The same with the error expected: its SQLSTATE, or "" when it did not fail. */
const char *pg_ask_state(const char *conninfo, const char *statement);
