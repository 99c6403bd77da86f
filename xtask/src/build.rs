//! The npm package: `pkg/`, and the tarball beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{npm, output, run, say};
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::stamp::{self, Inputs, files_below};
use crate::toolchain::{self, WASM};
use crate::{glue, imports};

const LICENCES: &[&str] = &["LICENSE-MIT", "LICENSE-APACHE"];

/// Stands in the template, once in each of these files, where the version of `Cargo.toml` goes.
const NO_VERSION: &str = "\"0.0.0\"";
const VERSIONED: &[&str] = &["package.json", "version.js"];

/// One of the package's two modules.
struct Module {
    /// Of its files.
    name: &'static str,
    feature: &'static str,
    /// Where it is compiled: both are of one crate, and their files have one name.
    folder: &'static str,
    /// In the file that holds both.
    constant: &'static str,
}

const MODULES: &[Module] = &[
    Module { name: "mcp_evergreen", feature: "js", folder: "package/sessions", constant: "SESSIONS" },
    Module {
        name: "mcp_evergreen_auth",
        feature: "js-auth",
        folder: "package/authorizations",
        constant: "AUTHORIZATIONS",
    },
];

/// Of `src/browser`.
const SNIPPETS: &[&str] = &["exchange.js"];

const WASM_BINDGEN_FLAGS: &[&str] = &["--target=web", "--no-typescript", "--omit-default-module-path"];

/// Without common subexpressions, and with little inlining: what they save in bytes, they cost twice in bytes compressed.
/// What is small and called from one place only is inlined: engines compile each function by itself when it first runs.
const WASM_OPT_FLAGS: &[&str] = &[
    "-Oz",
    "--skip-pass=local-cse",
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--one-caller-inline-max-function-size=20",
    "--strip-producers",
];

pub fn command(project: &Project, _: &[String]) -> Result<()> {
    build(project)
}

pub fn build(project: &Project) -> Result<()> {
    setup::ensure(project, &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node])?;
    let _lock = setup::lock(project)?;
    let small = toolchain::small_std()?;
    for module in MODULES {
        compile(project, module, small)?;
    }
    let inputs = inputs(project)?;
    let stamp = project.tools().join("package-stamp");
    if !stamp::is_fresh(&stamp, &with_outputs(project, &inputs)) {
        package(project)?;
        stamp::set(&stamp, &with_outputs(project, &inputs))?;
    }
    say(sizes(project)?);
    Ok(())
}

/// `small`: with a standard library of its own.
fn compile(project: &Project, module: &Module, small: bool) -> Result<()> {
    say(format!("Compiling {} for wasm32…", module.name));
    let mut flags = remapped_paths()?;
    let mut command = project.cargo();
    command
        .args(["build", "--release", "--package", "mcp-evergreen", "--lib"])
        .args(["--features", module.feature, "--target", WASM, "--target-dir"])
        .arg(project.target.join(module.folder));
    if small {
        flags.extend(toolchain::SMALL_STD_FLAGS.iter().copied().map(str::to_owned));
        command.args(toolchain::SMALL_STD).env(toolchain::UNSTABLE.0, toolchain::UNSTABLE.1);
    }
    run(command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")))
}

fn compiled(project: &Project, module: &Module) -> PathBuf {
    project.target.join(module.folder).join(WASM).join("release/mcp_evergreen.wasm")
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

/// All that the package is made from.
fn inputs(project: &Project) -> Result<String> {
    let mut inputs = Inputs::default();
    inputs.text(include_str!("build.rs"));
    inputs.text(include_str!("glue.rs"));
    inputs.text(include_str!("imports.rs"));
    inputs.text(&project.version);
    inputs.text(&toolchain::wasm_bindgen_version(project)?);
    inputs.file(&project.e2e().join("node_modules/binaryen/package.json"))?;
    for module in MODULES {
        inputs.file(&compiled(project, module))?;
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
fn with_outputs(project: &Project, inputs: &str) -> String {
    let mut outputs = Inputs::default();
    let complete = outputs.folder(&project.package()).and_then(|()| outputs.file(&project.tarball())).is_ok();
    if complete { format!("{inputs} {}", outputs.finish()) } else { format!("{inputs} incomplete") }
}

fn package(project: &Project) -> Result<()> {
    say("Packing the npm package (wasm-bindgen, wasm-opt, npm pack)…");
    let folder = project.package();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir(&folder)?;
    let wasm = folder.join("wasm");
    for module in MODULES {
        bindings(project, module, &wasm)?;
    }
    beside(project, &wasm)?;
    inline(&wasm)?;
    copy_template(project, &folder)?;
    pack(project)
}

fn bindings(project: &Project, module: &Module, to: &Path) -> Result<()> {
    let file = bind(project, module, to)?;
    let glue = to.join(format!("{}.js", module.name));
    glue::make_callable(&glue)?;
    optimize(project, &file, WASM_OPT_FLAGS)?;
    imports::shorten(&glue, &file)
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

/// The WebAssembly for sessions with the names of its functions, in the folder `to`.
pub fn with_names(project: &Project, to: &Path) -> Result<PathBuf> {
    let file = bind(project, &MODULES[0], to)?;
    optimize(project, &file, &[WASM_OPT_FLAGS, &["--debuginfo"]].concat())?;
    Ok(file)
}

fn bind(project: &Project, module: &Module, to: &Path) -> Result<PathBuf> {
    run(Command::new(toolchain::wasm_bindgen(project)?.join("wasm-bindgen"))
        .args(WASM_BINDGEN_FLAGS)
        .args(["--out-name", module.name, "--out-dir"])
        .arg(to)
        .arg(compiled(project, module)))?;
    Ok(file(module, to))
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

fn pack(project: &Project) -> Result<()> {
    for entry in fs::read_dir(&project.root)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("mcp-evergreen-") && name.ends_with(".tgz") {
            fs::remove_file(&path)?;
        }
    }
    output(npm().args(["pack", "--ignore-scripts", "./pkg"]).current_dir(&project.root))?;
    if !project.tarball().is_file() {
        bail!("npm pack did not make {}", project.tarball().display());
    }
    Ok(())
}

fn sizes(project: &Project) -> Result<String> {
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
    let sizes = output(Command::new("node").args(["-e", SCRIPT, "--"]).args(files_below(&project.package())?))?;
    Ok(format!("mcp-evergreen {}: {} in pkg/ and mcp-evergreen-{}.tgz", project.version, sizes.trim(), project.version))
}
