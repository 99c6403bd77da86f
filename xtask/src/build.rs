//! The npm package: `pkg/`, and the tarball beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{npm, output, run, say};
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::stamp::{self, Inputs, files_below};
use crate::toolchain::{self, WASM};
use crate::{glue, names, order};

const LICENCES: &[&str] = &["LICENSE-MIT", "LICENSE-APACHE"];

/// Stands in the template, once in each of these files, where the version of `Cargo.toml` goes.
const NO_VERSION: &str = "\"0.0.0\"";
const VERSIONED: &[&str] = &["package.json", "version.js"];

/// One of the package's two modules.
struct Module {
    /// Of its files.
    name: &'static str,
    feature: &'static str,
    /// Within the folder of the build: both are of one crate, and their files have one name.
    folder: &'static str,
    /// In the file that holds both.
    constant: &'static str,
}

const MODULES: &[Module] = &[
    Module { name: "mcp_evergreen", feature: "js", folder: "sessions", constant: "SESSIONS" },
    Module { name: "mcp_evergreen_auth", feature: "js-auth", folder: "authorizations", constant: "AUTHORIZATIONS" },
];

/// Of `src/browser`.
const SNIPPETS: &[&str] = &["body.js", "exchange.js", "reach.js"];

const WASM_BINDGEN_FLAGS: &[&str] = &["--target=web", "--no-typescript", "--omit-default-module-path"];

/// Twice, since what the first round finds out of each function is of use to the second. Without common subexpressions and
/// some of what is done with locals, and with little inlining: what they save in bytes, they cost twice in bytes compressed.
/// What is small and called from one place only is inlined: engines compile each function by itself when it first runs.
/// How far an access is aligned is a hint that says nothing here.
const WASM_OPT_FLAGS: &[&str] = &[
    "-Oz",
    "--generate-global-effects",
    "-Oz",
    "--skip-pass=local-cse",
    "--skip-pass=simplify-locals",
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--one-caller-inline-max-function-size=20",
    "--dealign",
    "--strip-producers",
    "--strip-target-features",
];

/// A build of the package: what it is compiled with, and where it is left.
pub struct Build<'a> {
    project: &'a Project,
    /// With a standard library of its own, compiled for size. Without it, by the stable compiler as it comes.
    pub small: bool,
    /// Where it is compiled.
    folder: PathBuf,
    /// Where `pkg/` and the tarball are left.
    outcome: PathBuf,
}

pub const USAGE: &str = "[--plain]";

pub fn command(project: &Project, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => build(project).map(drop),
        [only] if only == "--plain" => build_plainly(project).map(drop),
        _ => bail!("`cargo xtask build` takes {USAGE}"),
    }
}

/// The package as it is published, in the root: small, where that can be had.
pub fn build(project: &Project) -> Result<Build<'_>> {
    let _lock = prepare(project)?;
    let folder = project.target.join("package");
    let build = Build { project, small: toolchain::small_std()?, folder, outcome: project.root.clone() };
    build.make("package-stamp")?;
    Ok(build)
}

/// The package as it is where the small standard library cannot be had, in a folder of its own.
pub fn build_plainly(project: &Project) -> Result<Build<'_>> {
    let _lock = prepare(project)?;
    let folder = project.target.join("plain");
    let build = Build { project, small: false, outcome: folder.clone(), folder };
    build.make("plain-stamp")?;
    Ok(build)
}

fn prepare(project: &Project) -> Result<File> {
    setup::ensure(project, &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node])?;
    setup::lock(project)
}

impl Build<'_> {
    fn package(&self) -> PathBuf {
        self.outcome.join("pkg")
    }

    pub fn tarball(&self) -> PathBuf {
        self.outcome.join(format!("mcp-evergreen-{}.tgz", self.project.version))
    }

    fn make(&self, stamp: &str) -> Result<()> {
        for module in MODULES {
            say(format!("Compiling {} for wasm32…", module.name));
            run(&mut self.compiler(module)?)?;
        }
        let inputs = self.inputs()?;
        let stamp = self.project.tools().join(stamp);
        if !stamp::is_fresh(&stamp, &self.with_outputs(&inputs)) {
            self.fill_package()?;
            stamp::set(&stamp, &self.with_outputs(&inputs))?;
        }
        say(self.sizes()?);
        Ok(())
    }

    fn compiler(&self, module: &Module) -> Result<Command> {
        let mut flags = remapped_paths()?;
        let mut command = self.project.cargo();
        command
            .args(["build", "--release", "--package", "mcp-evergreen", "--lib"])
            .args(["--features", module.feature, "--target", WASM, "--target-dir"])
            .arg(self.folder.join(module.folder));
        if self.small {
            flags.extend(toolchain::SMALL_STD_FLAGS.iter().copied().map(str::to_owned));
            command.args(toolchain::SMALL_STD).env(toolchain::UNSTABLE.0, toolchain::UNSTABLE.1);
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(command)
    }

    fn compiled(&self, module: &Module) -> PathBuf {
        self.folder.join(module.folder).join(WASM).join("release/mcp_evergreen.wasm")
    }

    /// All that the package is made from.
    fn inputs(&self) -> Result<String> {
        let project = self.project;
        let mut inputs = Inputs::default();
        inputs.text(include_str!("build.rs"));
        inputs.text(include_str!("glue.rs"));
        inputs.text(include_str!("names.rs"));
        inputs.text(include_str!("order.rs"));
        inputs.text(include_str!("wasm.rs"));
        inputs.text(&project.version);
        inputs.text(&toolchain::wasm_bindgen_version(project)?);
        inputs.file(&project.e2e().join("node_modules/binaryen/package.json"))?;
        for module in MODULES {
            inputs.file(&self.compiled(module))?;
        }
        inputs.folder(&project.root.join("pkg-template"))?;
        for file in SNIPPETS {
            inputs.file(&project.root.join("src/browser").join(file))?;
        }
        for file in LICENCES {
            inputs.file(&project.root.join(file))?;
        }
        inputs.file(&readme(project))?;
        Ok(inputs.finish())
    }

    /// With what was made from them, so that a file edited or deleted in `pkg/` is made anew.
    fn with_outputs(&self, inputs: &str) -> String {
        let mut outputs = Inputs::default();
        let complete = outputs.folder(&self.package()).and_then(|()| outputs.file(&self.tarball())).is_ok();
        if complete { format!("{inputs} {}", outputs.finish()) } else { format!("{inputs} incomplete") }
    }

    fn fill_package(&self) -> Result<()> {
        say("Packing the npm package (wasm-bindgen, wasm-opt, npm pack)…");
        let folder = self.package();
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir(&folder)?;
        let wasm = folder.join("wasm");
        for module in MODULES {
            self.bindings(module, &wasm)?;
        }
        beside(self.project, &wasm)?;
        inline(&wasm)?;
        copy_template(self.project, &folder)?;
        self.pack()
    }

    fn bindings(&self, module: &Module, to: &Path) -> Result<()> {
        let file = self.bind(module, to)?;
        let glue = to.join(format!("{}.js", module.name));
        glue::make_callable(&glue)?;
        optimize(self.project, &file, WASM_OPT_FLAGS)?;
        names::shorten(&glue, &file)?;
        order::sort(&file)
    }

    /// The WebAssembly for sessions with the names of its functions, in the folder `to`.
    pub fn with_names(&self, to: &Path) -> Result<PathBuf> {
        let file = self.bind(&MODULES[0], to)?;
        optimize(self.project, &file, &[WASM_OPT_FLAGS, &["--debuginfo"]].concat())?;
        Ok(file)
    }

    fn bind(&self, module: &Module, to: &Path) -> Result<PathBuf> {
        run(Command::new(toolchain::wasm_bindgen(self.project)?.join("wasm-bindgen"))
            .args(WASM_BINDGEN_FLAGS)
            .args(["--out-name", module.name, "--out-dir"])
            .arg(to)
            .arg(self.compiled(module)))?;
        Ok(file(module, to))
    }

    fn pack(&self) -> Result<()> {
        for entry in fs::read_dir(&self.outcome)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("mcp-evergreen-") && name.ends_with(".tgz") {
                fs::remove_file(&path)?;
            }
        }
        output(npm().args(["pack", "--ignore-scripts", "./pkg"]).current_dir(&self.outcome))?;
        if !self.tarball().is_file() {
            bail!("npm pack did not make {}", self.tarball().display());
        }
        Ok(())
    }

    fn sizes(&self) -> Result<String> {
        const SCRIPT: &str = r#"
            const { readFileSync } = require("node:fs");
            const { brotliCompressSync } = require("node:zlib");
            const add = (files, size) => files.reduce((sum, file) => sum + size(readFileSync(file)), 0);
            const kb = (bytes) => (bytes / 1000).toFixed(1) + " kB";
            const files = process.argv.slice(1);
            console.log(["wasm", "js"].map((kind) => {
                const these = files.filter((file) => file.endsWith("." + kind));
                return `${kind} ${kb(add(these, (b) => b.length))} (brotli ${kb(add(these, (b) => brotliCompressSync(b).length))})`;
            }).join(", "));
        "#;
        let version = &self.project.version;
        let sizes = output(Command::new("node").args(["-e", SCRIPT, "--"]).args(files_below(&self.package())?))?;
        let how = if self.small { "" } else { ", compiled plainly" };
        let outcome = self.outcome.strip_prefix(&self.project.root).unwrap_or(&self.outcome);
        let (package, tarball) = (outcome.join("pkg"), outcome.join(format!("mcp-evergreen-{version}.tgz")));
        Ok(format!(
            "mcp-evergreen {version}{how}: {} in {}/ and {}",
            sizes.trim(),
            package.display(),
            tarball.display()
        ))
    }
}

/// Panic messages name files: without this, those of the dependencies would name the folders of the
/// machine they were compiled on, and the output would differ from machine to machine. The folder is there
/// before the first build, since xtask has dependencies too.
fn remapped_paths() -> Result<Vec<String>> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .context("there is no home directory")?;
    let Ok(registries) = fs::read_dir(home.join("registry/src")) else {
        return Ok(Vec::new());
    };
    registries.map(|registry| Ok(format!("--remap-path-prefix={}=", registry?.path().display()))).collect()
}

/// The crate's own JavaScript: where wasm-bindgen puts it differs with each module, and a copy is enough.
fn beside(project: &Project, wasm: &Path) -> Result<()> {
    fs::remove_dir_all(wasm.join("snippets")).context("wasm-bindgen wrote no snippets")?;
    for file in SNIPPETS {
        let from = project.root.join("src/browser").join(file);
        fs::copy(&from, wasm.join(file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// The WebAssembly as a module of JavaScript, for who cannot ship more files.
fn inline(folder: &Path) -> Result<()> {
    const SCRIPT: &str = r#"
        const { readFileSync, writeFileSync } = require("node:fs");
        const { gzipSync } = require("node:zlib");
        const [to, ...modules] = process.argv.slice(1);
        const constants = modules.map((module) => {
            const [constant, from] = module.split("=");
            return `export const ${constant} = "${gzipSync(readFileSync(from), { level: 9 }).toString("base64")}";\n`;
        });
        writeFileSync(to, `// The WebAssembly, gzip, base64.\n${constants.join("")}`);
    "#;
    let modules = MODULES.iter().map(|module| format!("{}={}", module.constant, file(module, folder).display()));
    run(Command::new("node").args(["-e", SCRIPT, "--"]).arg(folder.join("inline.js")).args(modules))
}

fn file(module: &Module, folder: &Path) -> PathBuf {
    folder.join(format!("{}_bg.wasm", module.name))
}

fn optimize(project: &Project, module: &Path, flags: &[&str]) -> Result<()> {
    run(Command::new("node")
        .arg(project.e2e().join("node_modules/binaryen/bin/wasm-opt"))
        .args(flags)
        .arg(module)
        .arg("--output")
        .arg(module))
}

fn copy_template(project: &Project, to: &Path) -> Result<()> {
    let template = project.root.join("pkg-template");
    for from in files_below(&template)? {
        let to = to.join(from.strip_prefix(&template)?);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to)?;
    }
    for file in VERSIONED {
        let path = to.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("pkg-template has no {file}"))?;
        if text.matches(NO_VERSION).count() != 1 {
            bail!("pkg-template/{file} must hold {NO_VERSION} once");
        }
        fs::write(path, text.replace(NO_VERSION, &format!("\"{}\"", project.version)))?;
    }
    fs::copy(readme(project), to.join("README.md"))?;
    for file in LICENCES {
        fs::copy(project.root.join(file), to.join(file))?;
    }
    Ok(())
}

/// The package's own README where there is one, else that of the repository.
fn readme(project: &Project) -> PathBuf {
    let own = project.root.join("pkg-template/README.md");
    if own.is_file() { own } else { project.root.join("README.md") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled_with(small: bool) -> (Vec<String>, String) {
        let project = Project { root: "/p".into(), target: "/p/target".into(), version: "1.0.0".into() };
        let build = Build { project: &project, small, folder: "/p/x".into(), outcome: "/p/x".into() };
        let command = build.compiler(&MODULES[0]).unwrap();
        let text = |value: Option<&std::ffi::OsStr>| value.unwrap_or_default().to_string_lossy().into_owned();
        let environment = command.get_envs().map(|(name, value)| format!("{}={}", text(Some(name)), text(value)));
        (command.get_args().map(|argument| text(Some(argument))).collect(), environment.collect())
    }

    #[test]
    fn compiled_plainly_it_asks_for_nothing_that_is_not_stable() {
        let unstable = |(arguments, environment): (Vec<String>, String)| {
            [
                arguments.iter().any(|argument| argument.starts_with("-Z")),
                environment.contains("RUSTC_BOOTSTRAP=1"),
                environment.contains("-Z"),
            ]
        };
        assert_eq!(unstable(compiled_with(false)), [false; 3]);
        assert_eq!(unstable(compiled_with(true)), [true; 3]);
    }
}
