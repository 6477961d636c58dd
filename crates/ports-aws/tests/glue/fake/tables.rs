//! What Glue stores, and its rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Answer;

/// Databases, and in them tables, both by names in lower case.
#[derive(Debug)]
pub(crate) struct Tables {
    databases: BTreeMap<String, BTreeMap<String, Value>>,
    /// How many tables a page of a listing holds. Pages promise no order.
    pub(crate) page: usize,
    /// How many old versions of entries are kept.
    pub(crate) archived: usize,
}

impl Default for Tables {
    fn default() -> Self {
        Tables { databases: BTreeMap::new(), page: 2, archived: 0 }
    }
}

fn folded(value: &Value) -> String {
    value.as_str().unwrap().to_lowercase()
}

fn not_found(what: &str) -> Answer {
    Answer::error(400, "EntityNotFoundException", &format!("{what} not found."))
}

fn exists(what: &str) -> Answer {
    Answer::error(400, "AlreadyExistsException", &format!("{what} already exists."))
}

impl Tables {
    pub(crate) fn carry_out(&mut self, operation: &str, body: &Value) -> Answer {
        if operation == "CreateDatabase" {
            let name = folded(&body["DatabaseInput"]["Name"]);
            return if self.add_database(&name) { Answer::Json(200, json!({})) } else { exists("Database") };
        }
        let page = self.page;
        let database = folded(&body["DatabaseName"]);
        let Some(tables) = self.databases.get_mut(&database) else { return not_found("Database") };
        let input = &body["TableInput"];
        match operation {
            "GetTable" => match tables.get(&folded(&body["Name"])) {
                Some(table) => Answer::Json(200, json!({"Table": table})),
                None => not_found("Table"),
            },
            "GetTables" => {
                let begin = body["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
                let list: Vec<_> = tables.values().rev().skip(begin).take(page).collect();
                let end = begin + list.len();
                let mut answer = json!({"TableList": list});
                if end < tables.len() {
                    answer["NextToken"] = json!(end.to_string());
                }
                Answer::Json(200, answer)
            }
            "CreateTable" if tables.contains_key(&folded(&input["Name"])) => exists("Table"),
            "CreateTable" => {
                tables.insert(folded(&input["Name"]), stored(&database, input, 0));
                Answer::Json(200, json!({}))
            }
            "UpdateTable" => {
                let Some(table) = tables.get_mut(&folded(&input["Name"])) else { return not_found("Table") };
                if body.get("VersionId").is_some_and(|version| *version != table["VersionId"]) {
                    let message = "Update table failed due to concurrent modifications.";
                    return Answer::error(400, "ConcurrentModificationException", message);
                }
                let version: u64 = table["VersionId"].as_str().unwrap().parse().unwrap();
                *table = stored(&database, input, version + 1);
                self.archived += usize::from(body["SkipArchive"] != true);
                Answer::Json(200, json!({}))
            }
            other => Answer::error(400, "UnknownOperationException", other),
        }
    }

    /// Whether it was not there.
    pub(crate) fn add_database(&mut self, name: &str) -> bool {
        let new = !self.databases.contains_key(name);
        self.databases.entry(name.to_owned()).or_default();
        new
    }

    /// An entry of another's making, as its input says.
    pub(crate) fn add_table(&mut self, database: &str, input: &Value) {
        self.add_database(database);
        self.databases.get_mut(database).unwrap().insert(folded(&input["Name"]), stored(database, input, 0));
    }

    /// An entry as it is stored, to look at it or to change it behind everybody's back.
    pub(crate) fn table(&mut self, database: &str, name: &str) -> &mut Value {
        self.databases.get_mut(database).unwrap().get_mut(name).unwrap()
    }

    /// Another's update of the table of this name, in whatever database.
    pub(crate) fn set_parameter(&mut self, name: &Value, parameter: &str, value: &str) {
        let table = self.databases.values_mut().find_map(|tables| tables.get_mut(&folded(name))).unwrap();
        table["Parameters"][parameter] = json!(value);
        let version: u64 = table["VersionId"].as_str().unwrap().parse().unwrap();
        table["VersionId"] = json!((version + 1).to_string());
    }
}

/// An input replaces the whole entry; Glue adds its own.
fn stored(database: &str, input: &Value, version: u64) -> Value {
    let mut table = input.clone();
    table["Name"] = json!(folded(&input["Name"]));
    table["DatabaseName"] = json!(database);
    table["VersionId"] = json!(version.to_string());
    table["CatalogId"] = json!("123456789012");
    table["CreateTime"] = json!(1_700_000_000.5);
    table["UpdateTime"] = json!(1_700_000_000.5);
    table["CreatedBy"] = json!("arn:aws:iam::123456789012:role/weir");
    table["IsRegisteredWithLakeFormation"] = json!(false);
    table
}
