//! The example of a host: everything that it needs, then the page and servers to talk to; and how many lines of it are about MCP.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::build;
use crate::node;
use crate::process::become_process;
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::stamp::files_below;

const FOLDER: &str = "examples/chat";
/// All of it that is about MCP.
const MCP: &str = "examples/chat/src/mcp";
/// They say how many lines that is.
const READMES: &[&str] = &["README.md", "examples/chat/README.md"];
const MOST_LINES: usize = 59;

pub fn run(project: &Project, _: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::Node])?;
    install(project)?;
    let mut command = project.node();
    command.arg("tests/apps/chat/run.mjs");
    become_process(command)
}

/// Its npm packages, with the package as it is published among them.
pub fn install(project: &Project) -> Result<()> {
    let build = build::publishable(project)?;
    let _lock = setup::lock(project)?;
    node::install_with(project, FOLDER, &[&build.tarball()])
}

/// One line for each thing about its lines that is not as the documents say.
pub fn miscounted(root: &Path) -> Result<Vec<String>> {
    let read = |path: &Path| -> Result<(String, String)> {
        Ok((path.strip_prefix(root)?.display().to_string(), fs::read_to_string(path)?))
    };
    let sources =
        files_below(&root.join(FOLDER).join("src"))?.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    let readmes = READMES.iter().map(|name| read(&root.join(name))).collect::<Result<Vec<_>>>()?;
    Ok(judged(&sources, &readmes))
}

/// Of files by their names.
fn judged(sources: &[(String, String)], readmes: &[(String, String)]) -> Vec<String> {
    let (own, others): (Vec<_>, Vec<_>) = sources.iter().partition(|(name, _)| name.starts_with(MCP));
    let lines = own.iter().map(|(_, text)| lines_of_code(text)).sum();
    let using = others.iter().filter(|(_, text)| text.contains("\"mcp-evergreen"));
    let silent = readmes.iter().filter(|(_, text)| !text.contains(&words(lines)));
    let too_many = (lines > MOST_LINES).then(|| format!("{MCP}: {lines} lines, {MOST_LINES} are allowed"));
    using
        .map(|(name, _)| format!("{name}: only {MCP} uses the package"))
        .chain(silent.map(|(name, _)| format!("{name}: does not say {:?}", words(lines))))
        .chain(too_many)
        .collect()
}

fn words(lines: usize) -> String {
    format!("MCP code is {lines} lines")
}

/// Without blank lines and comments.
fn lines_of_code(text: &str) -> usize {
    let is_comment = |line: &str| ["//", "/*", "*"].iter().any(|mark| line.starts_with(mark));
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_comments_do_not_count() {
        assert_eq!(lines_of_code("// a\n\n/** b */\n/**\n * c\n */\nd();\n  e(); // f\n"), 2);
    }

    #[test]
    fn what_is_miscounted_is_named() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let host = file("examples/chat/src/mcp/host.ts", "a\nb\n");
        let app =
            |from: &str| file("examples/chat/src/App.tsx", &format!("import {{ useMcpServers }} from {from:?};\n"));
        let readme = |lines: usize| [file("README.md", &format!("Its MCP code is {lines} lines."))];
        assert_eq!(judged(&[host.clone(), app("./mcp/host")], &readme(2)), [""; 0]);
        assert_eq!(
            judged(&[host, app("mcp-evergreen/react")], &readme(3)),
            [
                "examples/chat/src/App.tsx: only examples/chat/src/mcp uses the package",
                "README.md: does not say \"MCP code is 2 lines\""
            ]
        );
        let long = file("examples/chat/src/mcp/host.ts", &"a\n".repeat(60));
        assert_eq!(judged(&[long], &readme(60)), ["examples/chat/src/mcp: 60 lines, 59 are allowed"]);
    }
}
