//! What can be told of a commit before anything is written.

use std::collections::HashSet;

use iceberg::spec::{DataContentType, DataFile, FormatVersion, Literal, StructType};

use crate::error::CommitError;
use crate::staged::{Kind, Staged};
use crate::table::Table;

pub(super) fn check(base: &Table, staged: &Staged) -> Result<(), CommitError> {
    let refused = |what: String| Err(CommitError::Refused { table: base.name.clone(), what });
    let version = base.metadata.format_version();
    if version != FormatVersion::V2 {
        return refused(format!(
            "it has format version {version}, and only version 2 can be written; rewrite it in that version"
        ));
    }
    if staged.kind == Kind::Append
        && !(staged.add_deletes.is_empty() && staged.remove_data.is_empty() && staged.remove_deletes.is_empty())
    {
        return refused("an append takes nothing away; stage it as a row delta".to_owned());
    }
    let mut paths = HashSet::new();
    for (files, deletes) in [(&staged.add_data, false), (&staged.add_deletes, true)] {
        for file in files {
            let path = file.file_path();
            if (file.content_type() != DataContentType::Data) != deletes {
                return refused(format!("{path} is staged as what it is not; stage data and deletes apart"));
            }
            if !paths.insert(path) {
                return refused(format!("{path} is added twice; stage each file once"));
            }
        }
    }
    let removed = staged.remove_data.iter().map(|file| (file, false));
    for (file, deletes) in removed.chain(staged.remove_deletes.iter().map(|file| (file, true))) {
        let path = file.file.file_path();
        if file.is_delete() != deletes {
            return refused(format!("{path} is staged as what it is not; stage data and deletes apart"));
        }
        if paths.contains(path) {
            return refused(format!("{path} is added and removed at once; write the new file under another name"));
        }
    }
    Ok(())
}

/// Whether the file's partition is one of this type. The manifest writer takes that for granted.
pub(super) fn check_partition(file: &DataFile, partition_type: &StructType) -> Result<(), String> {
    let (values, fields) = (file.partition().fields(), partition_type.fields());
    let fits = values.len() == fields.len()
        && values.iter().zip(fields).all(|(value, field)| match value {
            None => true,
            Some(Literal::Primitive(value)) => {
                field.field_type.as_primitive_type().is_some_and(|primitive| primitive.compatible(value))
            }
            Some(_) => false,
        });
    if fits {
        return Ok(());
    }
    let path = file.file_path();
    Err(format!("{path} has a partition that is none of the table's default spec; write it under that spec"))
}
