//! `tenure health package`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::json;
use tenure_core::Error;
use tenure_health::HealthModel;

use crate::args::HealthPackage;
use crate::output::{self, count};

/// Writes `model.tar.gz` with the model folder at its root. The same model gives the same bytes: files sorted by path,
/// all of them of the first instant of 1970, owner 0, no name in the header of gzip.
pub fn package(args: &HealthPackage) -> Result<()> {
    let folder = super::model_folder(&args.model);
    // Loading checks every byte: what is damaged is not shipped.
    let (model, _) = HealthModel::load(&folder)?;
    let mut files = BTreeMap::new();
    let current = read(&folder.join("CURRENT"))?;
    let version = String::from_utf8_lossy(&current).split_whitespace().next().unwrap_or_default().to_owned();
    collect(&folder.join(&version), &version, &mut files)?;
    files.insert("CURRENT".to_owned(), current);
    files.insert("normalization_params.json".to_owned(), serde_json::to_vec_pretty(&model.normalization())?);

    let archive =
        archive(&files).map_err(|source| Error::Io { path: args.out.clone(), action: "packing", source })?;
    output::file(&args.out, &archive)?;
    let (version, place) = (&model.settings().version, args.out.display());
    if args.json {
        let names: Vec<&String> = files.keys().collect();
        return output::json(&json!({
            "out": place.to_string(), "bytes": archive.len(), "files": names, "model_version": version,
        }));
    }
    output::text(&format!(
        "Model {version} packed into {place} ({} files, {} bytes).\n\nNext:\n  aws s3 cp {place} s3://YOUR-BUCKET/marketplace-health-model/",
        files.len(),
        count(archive.len())
    ))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), action: "reading", source })?)
}

/// The files below a folder, by their path in the archive.
fn collect(folder: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let failed = |source| Error::Io { path: folder.to_owned(), action: "reading", source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.insert(name, read(&path)?);
        }
    }
    Ok(())
}

fn archive(files: &BTreeMap<String, Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    tar.into_inner()?.finish()
}
