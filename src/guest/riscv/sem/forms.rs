//! The shapes that most integer instructions have: operands read, one operation of the vocabulary, the
//! result written. Each macro defines functions from lines `name = operation(width);`.

/// Register-register operations: name, operation, width (the hart's, or 32 bits for the `w` forms).
macro_rules! register_register {
    ($($name:ident = $op:ident($w:expr);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: Semantics>(s: &mut S, i: &Insn) -> Done<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            let v = s.$op($w, a, b);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

/// Register-immediate operations.
macro_rules! register_immediate {
    ($($name:ident = $op:ident($w:expr);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: Semantics>(s: &mut S, i: &Insn) -> Done<S> {
            let (a, b) = (s.read(i.rs1), s.imm(i64::from(i.imm)));
            let v = s.$op($w, a, b);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

/// Operations on one register that are one operation of the vocabulary.
macro_rules! unary {
    ($($name:ident = $op:ident($w:expr);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: Semantics>(s: &mut S, i: &Insn) -> Done<S> {
            let a = s.read(i.rs1);
            let v = s.$op($w, a);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}
