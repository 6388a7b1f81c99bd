use std::fmt;

#[derive(Debug, Clone)]
pub struct Tank<'a> {
    name: &'a str,
    litres: u32,
}

impl<'a> Tank<'a> {
    pub fn new(name: &'a str) -> Self {
        Tank { name, litres: 0 }
    }

    /// Fills the tank and says what did not fit.
    pub fn fill(&mut self, litres: u32) -> u32 {
        let room = 400 - self.litres;
        let put = litres.min(room);
        self.litres += put;
        litres - put
    }

    pub fn name(&self) -> &str {
        self.name
    }

    pub fn is_full(&self) -> bool {
        self.litres == 400
    }
}

impl fmt::Display for Tank<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{} ({} l)", self.name, self.litres)
    }
}
