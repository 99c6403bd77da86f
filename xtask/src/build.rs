//! The npm package: `pkg/`, and the tarball beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::glue;
use crate::licences;
use crate::process::{npm, output, run, say};
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::stamp::{self, Inputs, files_below};
use crate::toolchain::{self, WASM};

/// Files of the repository that go along as they are. In `docs` is where the `help` of an error leads, and below what that
/// leads to.
const ALONG: &[&str] = &[
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs/field.md",
    "docs/proxy.md",
    "examples/proxy/bun.js",
    "examples/proxy/cloudflare.js",
    "examples/proxy/deno.js",
    "examples/proxy/node.mjs",
    "examples/proxy/vercel.js",
];

/// The terms of what is in the WebAssembly.
const THIRD_PARTY: &str = "THIRD_PARTY.txt";

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

/// Files of the template that name what they join: in the package each is one file, minified.
const JOINED: &[&str] = &["bundle.js", "bundle_inline.js"];

const WASM_BINDGEN_FLAGS: &[&str] = &["--target=web", "--no-typescript", "--omit-default-module-path"];

/// Twice, since what the first round finds out of each function is of use to the second. Without common subexpressions and
/// some of what is done with locals, and with little inlining: what they save in bytes, they cost twice in bytes compressed.
/// What is small and called from one place only is inlined: engines compile each function by itself when it first runs.
/// How far an access is aligned is a hint that says nothing here. Functions by name: what is one generic function compiled
/// for many types stands together, which compresses better.
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
    "--reorder-functions-by-name",
    "--strip-producers",
    "--strip-target-features",
];

/// How the package is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// By the stable compiler as it comes.
    Plain,
    /// The same with the names of its functions, and with panics that say in the console what happened.
    Symbols,
    /// As it is published: with a standard library of its own, compiled for size.
    Small,
}

/// A build of the package.
pub struct Build<'a> {
    project: &'a Project,
    kind: Kind,
    /// Where `pkg/` and the tarball are left.
    outcome: PathBuf,
}

pub const USAGE: &str = "[--symbols]";

pub fn command(project: &Project, arguments: &[String]) -> Result<()> {
    let kind = match arguments {
        [] => Kind::Plain,
        [only] if only == "--symbols" => Kind::Symbols,
        _ => bail!("`cargo xtask build` takes {USAGE}"),
    };
    let _lock = prepare(project)?;
    Build { project, kind, outcome: project.root.clone() }.make("package-stamp")
}

pub fn pack(project: &Project, _: &[String]) -> Result<()> {
    publishable(project).map(drop)
}

/// The package as it is published, in the root: small, where that can be had.
pub fn publishable(project: &Project) -> Result<Build<'_>> {
    let _lock = prepare(project)?;
    let kind = if toolchain::small_std()? { Kind::Small } else { Kind::Plain };
    let build = Build { project, kind, outcome: project.root.clone() };
    build.make("package-stamp")?;
    Ok(build)
}

/// The package as `cargo xtask build` makes it, in a folder of its own.
pub fn plain(project: &Project) -> Result<Build<'_>> {
    let _lock = prepare(project)?;
    let build = Build { project, kind: Kind::Plain, outcome: project.target.join("plain") };
    build.make("plain-stamp")?;
    Ok(build)
}

fn prepare(project: &Project) -> Result<File> {
    setup::ensure(project, &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node])?;
    setup::lock(project)
}

impl Kind {
    /// Where it is compiled, within the target directory.
    fn folder(self) -> &'static str {
        match self {
            Self::Plain | Self::Symbols => "plain",
            Self::Small => "package",
        }
    }

    fn features(self, module: &Module) -> String {
        match self {
            Self::Plain | Self::Small => module.feature.to_owned(),
            Self::Symbols => format!("{},panic-words", module.feature),
        }
    }

    fn wasm_opt_flags(self) -> Vec<&'static str> {
        match self {
            Self::Plain | Self::Small => WASM_OPT_FLAGS.to_vec(),
            Self::Symbols => with_names(),
        }
    }
}

fn with_names() -> Vec<&'static str> {
    [WASM_OPT_FLAGS, &["--debuginfo"]].concat()
}

impl Build<'_> {
    pub fn is_small(&self) -> bool {
        self.kind == Kind::Small
    }

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
            .args(["--no-default-features", "--features", &self.kind.features(module)])
            .args(["--target", WASM, "--target-dir"])
            .arg(self.target(module));
        if self.is_small() {
            flags.extend(toolchain::SMALL_STD_FLAGS.iter().copied().map(str::to_owned));
            command.args(toolchain::SMALL_STD).env(toolchain::UNSTABLE.0, toolchain::UNSTABLE.1);
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(command)
    }

    fn target(&self, module: &Module) -> PathBuf {
        self.project.target.join(self.kind.folder()).join(module.folder)
    }

    fn compiled(&self, module: &Module) -> PathBuf {
        self.target(module).join(WASM).join("release/mcp_evergreen.wasm")
    }

    /// All that the package is made from.
    fn inputs(&self) -> Result<String> {
        let project = self.project;
        let mut inputs = Inputs::default();
        inputs.text(include_str!("build.rs"));
        inputs.text(include_str!("glue.rs"));
        inputs.text(include_str!("licences.rs"));
        inputs.file(&project.root.join("Cargo.lock"))?;
        inputs.text(&format!("{:?}", self.kind));
        inputs.text(&project.version);
        inputs.text(&toolchain::wasm_bindgen_version(project)?);
        for tool in ["binaryen", "esbuild"] {
            inputs.file(&project.e2e().join("node_modules").join(tool).join("package.json"))?;
        }
        for module in MODULES {
            inputs.file(&self.compiled(module))?;
        }
        inputs.folder(&project.root.join("pkg-template"))?;
        for file in ALONG {
            inputs.file(&project.root.join(file))?;
        }
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
        inline(&wasm)?;
        copy_template(self.project, &folder)?;
        fs::write(folder.join(THIRD_PARTY), licences::third_party(self.project)?)?;
        join(self.project, &folder)?;
        self.pack()
    }

    fn bindings(&self, module: &Module, to: &Path) -> Result<()> {
        let file = self.bind(module, to)?;
        let glue = to.join(format!("{}.js", module.name));
        glue::make_callable(&glue)?;
        optimize(self.project, &file, &self.kind.wasm_opt_flags())
    }

    /// The WebAssembly for sessions with the names of its functions, in the folder `to`.
    pub fn with_names(&self, to: &Path) -> Result<PathBuf> {
        let file = self.bind(&MODULES[0], to)?;
        optimize(self.project, &file, &with_names())?;
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
        let how = match self.kind {
            Kind::Plain => " by the stable compiler as it comes",
            Kind::Symbols => " with symbols",
            Kind::Small => ", as it is published",
        };
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

/// Each of the joined files, in the place of the one that names its parts.
fn join(project: &Project, folder: &Path) -> Result<()> {
    run(Command::new(project.e2e().join("node_modules/.bin/esbuild"))
        .args(JOINED.iter().map(|name| folder.join(name)))
        .args(["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning", "--allow-overwrite"])
        .arg(format!("--outdir={}", folder.display())))
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
    for folder in ["docs", "examples/proxy"] {
        fs::create_dir_all(to.join(folder))?;
    }
    for file in ALONG {
        fs::copy(project.root.join(file), to.join(file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(kind: Kind) -> (Vec<String>, String) {
        let project = Project { root: "/p".into(), target: "/p/target".into(), version: "1.0.0".into() };
        let build = Build { project: &project, kind, outcome: "/p".into() };
        let command = build.compiler(&MODULES[0]).unwrap();
        let text = |value: Option<&std::ffi::OsStr>| value.unwrap_or_default().to_string_lossy().into_owned();
        let environment = command.get_envs().map(|(name, value)| format!("{}={}", text(Some(name)), text(value)));
        (command.get_args().map(|argument| text(Some(argument))).collect(), environment.collect())
    }

    #[test]
    fn compiled_plainly_it_asks_for_nothing_that_is_not_stable() {
        let unstable = |kind| {
            let (arguments, environment) = compiled(kind);
            [
                arguments.iter().any(|argument| argument.starts_with("-Z")),
                environment.contains("RUSTC_BOOTSTRAP=1"),
                environment.contains("-Z"),
            ]
        };
        assert_eq!(unstable(Kind::Plain), [false; 3]);
        assert_eq!(unstable(Kind::Symbols), [false; 3]);
        assert_eq!(unstable(Kind::Small), [true; 3]);
    }

    #[test]
    fn only_a_build_with_symbols_has_names_and_panics_with_words() {
        let tells = |kind: Kind| {
            let (arguments, _) = compiled(kind);
            [arguments.contains(&"js,panic-words".to_owned()), kind.wasm_opt_flags().contains(&"--debuginfo")]
        };
        assert_eq!(tells(Kind::Symbols), [true; 2]);
        assert_eq!(tells(Kind::Plain), [false; 2]);
        assert_eq!(tells(Kind::Small), [false; 2]);
    }
}
