//! A note on this machine of the stacks that a run makes change sets on.
//!
//! It goes when none of them is left. What a run that was killed left, or one
//! that had to leave before all was removed, the next command finds by it: on
//! the stacks that it changes it would find that anyway, on the others it
//! would have to ask for each of them, each time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::local::claim::{Claim, Sharing};
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
        let mut file = Claim::attempt(&path, Sharing::Alone).ok().flatten();
        if let Some(file) = &mut file {
            let stacks = plan.rendered.keys().map(ToString::to_string);
            file.stays(true);
            let _disk_full = file.write(&lines(stacks));
        }
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
            let _disk_full = file.write(&lines(stacks));
        }
    }
}

/// Removes what runs that are over left behind, by their notes. What cannot be
/// removed stays noted, and stops nothing.
pub(crate) async fn take_up(session: &Session, printer: Printer) -> Result<()> {
    let place = session.place().await?;
    let role = stack::acting_role(&session.config);
    for (run, path) in notes(&place) {
        let Ok(Some(mut note)) = Claim::attempt(&path, Sharing::Alone) else {
            continue;
        };
        note.stays(true);
        let stacks: Vec<String> = note.read()?.lines().map(str::to_owned).collect();
        let swept = deploy::sweep(&session.cloud, &run, &stacks, role.as_deref()).await;
        match swept {
            Ok(count) => {
                note.stays(false);
                if count > 0 {
                    let plural = if count == 1 { "" } else { "s" };
                    printer.say(&format!(
                        "removed {count} change set{plural} that an earlier run left"
                    ));
                }
            }
            Err(error) => talk(&format!(
                "{} change sets of an earlier run stay: {error}",
                paint(WARN, "warning:")
            )),
        }
    }
    Ok(())
}

/// Removes the notes on an environment whose account is gone.
pub(crate) fn discard(place: &Path) {
    for (_, path) in notes(place) {
        let _removes_the_file = Claim::attempt(&path, Sharing::Alone);
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
