//! A crate for boats.
//!
//! ```
//! let b = Boat::new();
//! ```
use std::fmt;
/// A boat's length.
#[derive(Debug, Clone)]
pub struct Boat<'a, T: Fn(&'a str) -> u8> {
    /// name
    pub name: &'a str,
    f: T,
}
impl<'a, T: Fn(&'a str) -> u8> Boat<'a, T> where T: Copy {
    /// Makes a boat.
    ///
    /// # Panics
    /// If `'x'` is "{".
    pub fn new(name: &'a str) -> Self { let c = '{'; let r = r#"}"}"#; Self { name } }
    fn private(&self) {}
    pub fn undocumented(&self, n: usize) -> usize { n + 1 }
}
impl<T> fmt::Display for Wrapper<T> {
    fn fmt(&self) -> X { }
}
/// Macro.
#[macro_export]
macro_rules! boat { ($x:expr) => { $x } }
pub mod inner {
    /// Free in a module.
    pub async unsafe fn free<const N: usize>(x: [u8; N]) -> Result<(), Box<dyn Error>> { }
}
/// Trait of it.
pub trait Sail { /// go
 fn go(&self); }
