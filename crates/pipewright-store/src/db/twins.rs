//! The two databases have the same tables, column by column: a migration that was written for one and forgotten, or
//! written otherwise, for the other is found here and not by whoever runs it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::db::Backend;
use crate::testing::on_each_database;

/// Table and column; whether it must have a value; its type.
type Columns = BTreeMap<(String, String), (bool, String)>;

const SQLITE: &str = "SELECT m.name, p.name, p.\"notnull\" = 1 OR p.pk > 0, UPPER(p.type)
    FROM sqlite_master m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '_sqlx_%'";

const POSTGRES: &str = "SELECT table_name::TEXT, column_name::TEXT, is_nullable = 'NO', data_type::TEXT
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'";

/// Which types stand for one another.
const ALIKE: [(&str, &str); 6] = [
    ("TEXT", "text"),
    ("TEXT", "jsonb"),
    ("INTEGER", "bigint"),
    ("INTEGER", "boolean"),
    ("BLOB", "uuid"),
    ("BLOB", "bytea"),
];

/// Must have a value in PostgreSQL alone: SQLite adds no such column to a table that has rows.
const LATER: [(&str, &str); 1] = [("statuses", "sequence")];

fn by_name(rows: Vec<(String, String, bool, String)>) -> Columns {
    rows.into_iter()
        .map(|(table, column, must, kind)| ((table, column), (must, kind)))
        .collect()
}

#[test]
fn both_databases_have_the_same_columns() {
    let seen: Mutex<Vec<Columns>> = Mutex::default();
    let shared = &seen;
    on_each_database(|db| async move {
        let columns = match db.backend() {
            Backend::Sqlite { reader, .. } => sqlx::query_as(SQLITE).fetch_all(reader).await,
            Backend::Postgres(pool) => sqlx::query_as(POSTGRES).fetch_all(pool).await,
        };
        let columns = by_name(columns.expect("reads its own tables"));
        shared.lock().expect("no other test").push(columns);
    });
    let seen = seen.into_inner().expect("no other test");
    let [sqlite, postgres] = seen.as_slice() else {
        // PostgreSQL was skipped, and says so.
        return;
    };
    assert!(sqlite.len() > 300, "{} columns", sqlite.len());
    let names = |columns: &Columns| columns.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(sqlite), names(postgres));
    for (name, (must, kind)) in sqlite {
        let (must_there, kind_there) = &postgres[name];
        assert!(
            ALIKE.contains(&(kind.as_str(), kind_there.as_str())),
            "{name:?} is {kind} in SQLite and {kind_there} in PostgreSQL"
        );
        let is_later = LATER.contains(&(name.0.as_str(), name.1.as_str()));
        assert!(
            must == must_there || is_later,
            "{name:?} may be empty in one"
        );
    }
}
