//! What the demo says: chapters, steps, quoted output of programs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling is what the demo is for"
)]

/// Opens a chapter of the story.
pub fn chapter(title: &str) {
    println!("\n=== {title}");
}

/// Tells one thing that happens or was seen.
pub fn step(text: &str) {
    println!("  - {text}");
}

/// Shows what a program printed, at most `lines` lines.
pub fn quote(command: &str, text: &str, lines: usize) {
    println!("  $ {command}");
    let all: Vec<&str> = text.trim_end().lines().collect();
    for line in all.iter().take(lines) {
        println!("    {line}");
    }
    if all.len() > lines {
        println!("    … {} more lines", all.len() - lines);
    }
}

/// Says why a task failed, with the whole chain of causes.
pub fn failure(task: &str, error: &anyhow::Error) {
    eprintln!("\n{task} failed: {error:#}");
}
