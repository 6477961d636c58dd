//! The example lakes of the repository.

mod support;

use support::{contract_files, examples, lake, plain, plan, read, table};
use weir_model::Lake;
use weir_model::contract::PiiAction;
use weir_model::sequence::SequenceRule;

#[test]
fn every_example_lake_parses_and_plans() {
    let mut lakes = 0;
    for entry in std::fs::read_dir(examples()).unwrap() {
        let folder = entry.unwrap().path();
        let file = folder.join("lake.yaml");
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        Lake::parse(&file.display().to_string(), &text).unwrap_or_else(|problems| panic!("{problems}"));
        let contracts: Vec<_> = contract_files(&folder).iter().map(|file| read(file)).collect();
        assert!(!contracts.is_empty());
        for contract in &contracts {
            assert!(contract.unread.is_empty(), "{}: {:?}", contract.table, contract.unread);
            assert!(!contract.primary_key.is_empty(), "{} has a key", contract.table);
            assert_eq!(contract.stream.sequence, Some(SequenceRule::DmsTransaction), "as `--changes` writes them");
        }
        plan(&contracts, 1_000, &plain(1));
        lakes += 1;
    }
    assert!(lakes >= 2, "{lakes}");
}

#[test]
fn the_beer_lake_has_the_proportions_of_a_review_site() {
    let plan = plan(&lake("beer"), 1_586_614, &plain(1));
    let rows = ["brewery", "profile", "beer", "review"].map(|name| table(&plan, name).rows);
    assert_eq!(rows, [5_839, 33_383, 66_004, 1_586_614]);
}

#[test]
fn nothing_that_names_a_person_is_kept_in_clear() {
    let people = &lake("people")[0];
    for name in ["first_name", "last_name", "email", "phone", "date_of_birth"] {
        let column = people.columns.iter().find(|column| column.name == name).unwrap();
        assert!(column.pii.is_some_and(|pii| pii.action != PiiAction::Keep), "{name}");
    }
}
