//! Completion scripts. clap_complete writes them with two dashes before a long name; here the names with one
//! dash, as in QEMU, are added, and the values of options that clap does not check.

use super::log_items::{self, Logged};
use crate::guest::riscv::profiles::PROFILES;
use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;

/// The script for a shell.
pub fn script(shell: Shell, command: Command, logged: Logged) -> String {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    let mut command = with_values(command, logged);
    clap_complete::generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let names: Vec<String> = command
        .get_arguments()
        .flat_map(|option| option.get_long_and_visible_aliases().unwrap_or_default())
        .map(str::to_owned)
        .collect();
    let edited = script.lines().map(|line| match shell {
        Shell::Bash => bash_line(line, &names),
        Shell::Zsh => zsh_line(line, &names),
        Shell::Fish => fish_line(line, &names),
        _ => line.to_owned(),
    });
    let edited: String = edited.map(|line| line + "\n").collect();
    let items: Vec<&str> = log_items::names(logged).chain(["help"]).collect();
    complete_list(shell, &edited, &items)
}

/// Has the items of a list completed behind each comma, too.
fn complete_list(shell: Shell, script: &str, items: &[&str]) -> String {
    let words = items.join(" ");
    match shell {
        // The words before the last comma are a prefix of each completion.
        Shell::Bash => script.replace(
            &format!(r#"$(compgen -W "{words}" -- "${{cur}}")"#),
            &format!(r#"$(compgen -P "${{cur%"${{cur##*,}}"}}" -W "{words}" -- "${{cur##*,}}")"#),
        ),
        Shell::Zsh => script.replace(&format!(":({words})'"), &format!(": _sequence compadd - {words}'")),
        Shell::Fish => {
            let list =
                format!("-a \"{}\"", items.iter().map(|item| format!("{item}\\t''")).collect::<Vec<_>>().join("\n"));
            script.replace(&list, &format!("-a \"(__fish_complete_list , 'string split \\\" \\\" \\\"{words}\\\"')\""))
        }
        _ => script.to_owned(),
    }
}

/// The command, with the values of the options that have a fixed set of words.
fn with_values(command: Command, logged: Logged) -> Command {
    let models = PROFILES.iter().filter(|p| p.missing().is_empty()).map(|p| p.name).chain(["list"]).collect();
    let mut known: Vec<(&str, Vec<&'static str>)> =
        vec![("cpu", models), ("log", log_items::names(logged).chain(["help"]).collect())];
    known.extend(match logged {
        Logged::Process => vec![
            ("engine", vec!["tiered", "jit", "interp"]),
            ("mmu", vec!["sv39", "sv48"]),
            ("strace_timestamps", vec!["s", "us", "unix", "relative"]),
        ],
        Logged::Machine => {
            vec![("machine", vec!["virt", "spike", "help"]), ("serial", vec!["mon:stdio", "stdio", "null"])]
        }
    });
    known.into_iter().fold(command, |command, (option, values)| {
        command.mut_arg(option, |arg| arg.value_parser(PossibleValuesParser::new(values)))
    })
}

/// The list of all options, and the patterns of those whose value is completed.
fn bash_line(line: &str, names: &[String]) -> String {
    let text = line.trim_start();
    if let Some(list) = text.strip_prefix("opts=\"").filter(|list| list.contains("--")) {
        let indent = &line[..line.len() - text.len()];
        let single: String = names.iter().map(|name| format!("-{name} ")).collect();
        return format!("{indent}opts=\"{single}{list}");
    }
    match text.strip_prefix("--").and_then(|rest| rest.strip_suffix(')')) {
        Some(name) if names.iter().any(|known| known == name) => line.replace("--", &format!("-{name} | --")),
        _ => line.to_owned(),
    }
}

/// `'--name=[help]:VALUE:action' \` takes the value in the same word or the next, `'-name[help]…` in the next.
fn zsh_line(line: &str, names: &[String]) -> String {
    let (quote, rest) = line.split_at(line.find("--").unwrap_or(0));
    let option = rest.strip_prefix("--").filter(|_| ["'", "'*"].contains(&quote));
    let Some((name, help)) = option.and_then(|option| option.split_once('[')) else { return line.to_owned() };
    let name = name.strip_suffix('=').unwrap_or(name);
    if !names.iter().any(|known| known == name) {
        return line.to_owned();
    }
    format!("{line}\n{quote}-{name}[{help}")
}

/// An option of the old style, `-o`, has a long name after one dash.
fn fish_line(line: &str, names: &[String]) -> String {
    let Some((before, after)) = line.split_once(" -l ") else { return line.to_owned() };
    let (name, rest) = after.split_once(' ').unwrap_or((after, ""));
    match names.iter().any(|known| known == name) {
        true => format!("{before} -l {name} -o {name} {rest}"),
        false => line.to_owned(),
    }
}
