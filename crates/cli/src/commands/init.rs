//! `weir init`: a lake from an example.

use serde_json::json;
use weir_local::examples;

use super::Done;
use crate::arguments::{Init, Output};
use crate::output::{self, say};

pub(crate) fn run(command: &Init) -> anyhow::Result<Done> {
    let files = examples::init(&command.dir, &command.example)?;
    let dir = command.dir.display();
    if command.output.output == Output::Json {
        output::json(&json!({"lake": command.dir, "example": command.example, "files": files}))?;
    } else {
        say!("Made lake {dir} from example {} ({files} files).", command.example);
        say!("Next: weir generate --lake {dir} --rows 100000 --seed 1, then weir run --lake {dir}");
    }
    Ok(Done::Well)
}
