//! The common shapes of integer instructions: read the operands, apply one operation of
//! [`Semantics`](crate::guest::Semantics), write the result. Each macro defines functions from lines `name =
//! operation(how);`, where `how` is the arguments before the operands: a width, a condition, a type, or nothing.

/// Register-register operations.
macro_rules! register_register {
    ($($name:ident = $op:ident($($how:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            let v = s.$op($($how,)* a, b);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

/// Register-immediate operations.
macro_rules! register_immediate {
    ($($name:ident = $op:ident($($how:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.imm(i64::from(i.imm)));
            let v = s.$op($($how,)* a, b);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

/// Operations on one register.
macro_rules! unary {
    ($($name:ident = $op:ident($($how:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let a = s.read(i.rs1);
            let v = s.$op($($how,)* a);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}
