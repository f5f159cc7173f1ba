//! A note on this machine of the stacks that a run makes change sets on.
//!
//! It goes when none of them is left. What a run that was killed left, or one
//! that had to leave before all was removed, the next command finds by it: on
//! the stacks that it changes it would find that anyway, on the others it
//! would have to ask for each of them, each time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::local::claim::Claim;
use super::printer::{Printer, WARN, paint, talk};
use super::session::Session;
use crate::deploy::{self, Made, RunId, Work};
use crate::plan::Plan;
use crate::stack;

/// What the names of notes end with.
const NOTE: &str = ".note";

/// The note of a run. Others leave it alone as long as this lives.
pub(crate) struct Note {
    /// None where nothing can be written, which stops nobody.
    file: Option<Claim>,
    made: Made,
}

// === impl Note ===

impl Note {
    /// Begins one, before the first change set is made.
    pub(crate) async fn begin(session: &Session, plan: &Plan, work: &Work) -> Result<Self> {
        let path = path(&session.place().await?, &work.run);
        let stacks = plan.rendered.keys().map(ToString::to_string);
        let mut file = Claim::written(&path, &lines(stacks)).ok();
        file.iter_mut().for_each(|file| file.stays(true));
        let made = work.made.clone();
        Ok(Self { file, made })
    }

    /// Ends it. What could not be removed is told, and stays noted.
    pub(crate) fn end(mut self) {
        let left = self.made.waiting();
        if left.is_empty() {
            self.file.iter_mut().for_each(|file| file.stays(false));
            return;
        }
        talk(&format!(
            "{} not removed in time; the next `colormesh up`, `plan` or `down` removes:",
            paint(WARN, "warning:")
        ));
        for (set, stack) in &left {
            talk(&format!("  change set `{set}` of `{stack}`"));
        }
        if let Some(file) = &mut self.file {
            let stacks = left.into_iter().map(|(_, stack)| stack);
            // Then it still names them, and others.
            let _disk_full = file.rewrite(&lines(stacks));
        }
    }
}

/// Removes what runs that are over left behind, by their notes. What cannot be
/// removed, or read, stays noted, and stops nothing.
pub(crate) async fn take_up(session: &Session, printer: Printer) -> Result<()> {
    for place in session.places().await? {
        for (run, path) in notes(&place) {
            match sweep(session, &run, &path).await {
                Ok(0) => {}
                Ok(count) => {
                    let plural = if count == 1 { "" } else { "s" };
                    printer.say(&format!(
                        "removed {count} change set{plural} that an earlier run left"
                    ));
                }
                Err(error) => talk(&format!(
                    "{} change sets of an earlier run stay: {error:#}",
                    paint(WARN, "warning:")
                )),
            }
        }
    }
    Ok(())
}

/// Removes what a note names, and the note. It says how many there were; none
/// where the run is not over.
async fn sweep(session: &Session, run: &RunId, path: &Path) -> Result<usize> {
    let Some(mut note) = Claim::found(path)? else {
        return Ok(0);
    };
    note.stays(true);
    let shown = path.display();
    let cure = format!("remove it when no change set `colormesh-{run}-…` is left");
    let text = note.read();
    let text = text.with_context(|| format!("cannot read `{shown}`; {cure}"))?;
    // Each run names its stacks, but a full disk may have lost them.
    ensure!(!text.trim().is_empty(), "`{shown}` names no stack; {cure}");
    let stacks: Vec<String> = text.lines().map(str::to_owned).collect();
    let role = stack::acting_role(&session.config);
    let count = deploy::sweep(&session.cloud, run, &stacks, role.as_deref()).await?;
    note.stays(false);
    Ok(count)
}

/// Removes the notes on an environment whose account is gone.
pub(crate) fn discard(place: &Path) {
    for (_, path) in notes(place) {
        let _removes_the_file = Claim::found(&path);
    }
}

/// The note of a run on the environment that this file stands for.
fn path(place: &Path, run: &RunId) -> PathBuf {
    place.with_extension(format!("{run}{NOTE}"))
}

/// The notes on an environment, with their runs.
fn notes(place: &Path) -> Vec<(RunId, PathBuf)> {
    let (Some(folder), Some(stem)) = (place.parent(), place.file_stem()) else {
        return Vec::new();
    };
    let begin = format!("{}.", stem.to_string_lossy());
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let notes = files.filter_map(|file| {
        let name = file.file_name();
        let run = name.to_str()?.strip_prefix(&begin)?.strip_suffix(NOTE)?;
        // Another environment's name may begin like this one's.
        let run = (!run.contains('.')).then(|| RunId::new(run))?;
        Some((run, file.path()))
    });
    notes.collect()
}

fn lines(stacks: impl Iterator<Item = String>) -> String {
    stacks.map(|stack| format!("{stack}\n")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_note_is_found_by_its_own_environment_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(format!("{name}.claim"));
        let run = RunId::new("5f-1a");
        for name in ["One", "One.more", "Two"] {
            fs::write(path(&place(name), &run), "").unwrap();
            fs::write(place(name), "").unwrap();
        }
        let found = notes(&place("One"));
        assert_eq!(found, [(run.clone(), path(&place("One"), &run))]);
        assert_eq!(notes(&place("One.more")).len(), 1);
        assert_eq!(notes(&place("Three")), []);
    }
}
