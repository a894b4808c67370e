//! The command line as a person meets it: the program is run, and what it writes is compared.

#[cfg(test)]
mod capture;
#[cfg(test)]
mod hubtest;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod lapi;
#[cfg(test)]
mod own;
