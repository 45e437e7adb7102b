//! The files that are written: none before both are ready, never in the place of one that is there, unless that is asked for.

use std::io;
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// The configuration's name, and that of the template's parameters.
pub(crate) const NAMES: [&str; 2] = ["slipway.yaml", "parameters.json"];

/// Where the files go.
#[derive(Debug)]
pub(crate) struct Files {
    paths: [PathBuf; 2],
    overwrite: Overwrite,
}

/// What happens to a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// It stays, and nothing is written.
    Never,
    /// It is replaced.
    Force,
}

impl Files {
    /// In this folder. A file that is there is a problem now, before anything is read.
    pub(crate) fn in_folder(folder: &Path, overwrite: Overwrite) -> Result<Self, Problem> {
        let path = |name: &str| if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) };
        let files = Self { paths: NAMES.map(path), overwrite };
        files.check()?;
        Ok(files)
    }

    /// The files' paths.
    pub(crate) fn shown(&self) -> [String; 2] {
        self.paths.each_ref().map(|path| path.display().to_string())
    }

    /// Writes both aside, and then puts them into their places.
    pub(crate) fn write(&self, texts: [&str; 2]) -> Result<(), Problem> {
        self.check()?;
        let folder = self.paths[0].parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        let aside = self.paths.each_ref().map(|path| {
            let mut name = path.clone().into_os_string();
            name.push(format!(".{}", std::process::id()));
            PathBuf::from(name)
        });
        let written = self.put(&aside, texts);
        if written.is_err() {
            aside.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
        written
    }

    fn put(&self, aside: &[PathBuf; 2], texts: [&str; 2]) -> Result<(), Problem> {
        for ((aside, path), text) in aside.iter().zip(&self.paths).zip(texts) {
            std::fs::write(aside, text).map_err(|error| failed(path, &error))?;
        }
        for (aside, path) in aside.iter().zip(&self.paths) {
            std::fs::rename(aside, path).map_err(|error| failed(path, &error))?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Problem> {
        if let Some(folder) = self.paths.iter().find(|path| path.is_dir()) {
            return Err(Problem::usage(format!("{} is a folder, and nothing was written", folder.display()))
                .fix("Rename it, or give another folder with --out."));
        }
        let there: Vec<String> = self
            .paths
            .iter()
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| path.display().to_string())
            .collect();
        if self.overwrite == Overwrite::Force || there.is_empty() {
            return Ok(());
        }
        let (verb, them) = if there.len() == 1 { ("is", "it") } else { ("are", "them") };
        Err(Problem::usage(format!("{} {verb} there already, and nothing was written", there.join(" and ")))
            .fix(format!("Add --force to replace {them}, or give another folder with --out.")))
    }
}

fn failed(path: &Path, error: &io::Error) -> Problem {
    Problem::usage(format!("{} cannot be written: {error}", path.display()))
        .fix("Give a folder with --out in which you may write.")
}
