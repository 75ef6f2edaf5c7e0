//! Puts all mutants into a source file.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Stmt, parse_quote};

/// A change of the source.
pub struct Mutant {
    pub number: u32,
    /// File and line.
    pub place: String,
    /// The function that it is in.
    pub function: String,
    pub what: &'static str,
    pub source: String,
}

/// Functions and methods that answer yes or no.
const QUESTIONS: &[&str] = &[
    "has",
    "mprv",
    "sum",
    "mxr",
    "contains",
    "is_writable",
    "is_canonical",
    "is_inhibited",
    "has_supervisor_timer",
    "any_locked",
    "is_locked",
    "is_none_or",
    "is_some_and",
    "any",
    "supervises",
    "permits",
    "has_supervisor",
    "is_64bit",
    "is_multiple_of",
    "may_invalidate",
    "wakes",
];

struct Rewriter<'a> {
    file: &'a str,
    function: String,
    mutants: &'a mut Vec<Mutant>,
}

/// Rewrites a file so that it contains mutants, which are added to the list.
pub fn rewrite(file: &str, text: &str, mutants: &mut Vec<Mutant>) -> String {
    let mut parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}"));
    Rewriter { file, function: String::new(), mutants }.visit_file_mut(&mut parsed);
    parsed.into_token_stream().to_string()
}

impl Rewriter<'_> {
    /// Registers one change; returns its number.
    fn mutant(&mut self, span: Span, what: &'static str, source: &str) -> u32 {
        let number = self.mutants.last().map_or(1, |last| last.number + 1);
        let place = format!("{}:{}", self.file, span.start().line);
        let function = self.function.clone();
        self.mutants.push(Mutant { number, place, function, what, source: source.to_owned() });
        number
    }

    fn flip(&mut self, expr: &mut Expr, source: &str) {
        let n = self.mutant(expr.span(), "the opposite", source);
        let old = expr.clone();
        *expr = parse_quote!((crate::switch::on(#n) != (#old)));
    }
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        Expr::Paren(paren) => has_let(&paren.expr),
        _ => false,
    }
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}

fn is_question(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(call) => QUESTIONS.contains(&&*call.method.to_string()),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                path.path.segments.last().is_some_and(|last| QUESTIONS.contains(&&*last.ident.to_string()))
            }
            _ => false,
        },
        Expr::Macro(call) => call.mac.path.is_ident("matches"),
        _ => false,
    }
}

/// Whether an operand of `&` is more of a mask than the other one.
fn is_mask(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Path(path) => {
            path.path.segments.last().is_some_and(|s| s.ident.to_string().to_uppercase() == *s.ident.to_string())
        }
        Expr::Unary(_) | Expr::Paren(_) | Expr::Field(_) => true,
        _ => false,
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_item_mod_mut(&mut self, item: &mut syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit_mut::visit_item_mod_mut(self, item);
        }
    }

    // What is computed when the program is compiled stays as it is.
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_item_static_mut(&mut self, _: &mut syn::ItemStatic) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_item_enum_mut(&mut self, _: &mut syn::ItemEnum) {}
    fn visit_macro_mut(&mut self, _: &mut syn::Macro) {}

    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        if item.sig.constness.is_none() {
            self.function = item.sig.ident.to_string();
            visit_mut::visit_item_fn_mut(self, item);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        // A trap's description is not its meaning.
        if item.sig.constness.is_none() && item.sig.ident != "fmt" && item.sig.ident != "new" {
            self.function = item.sig.ident.to_string();
            visit_mut::visit_impl_item_fn_mut(self, item);
        }
    }

    fn visit_expr_repeat_mut(&mut self, expr: &mut syn::ExprRepeat) {
        self.visit_expr_mut(&mut expr.expr);
    }

    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}

    fn visit_expr_match_mut(&mut self, expr: &mut syn::ExprMatch) {
        visit_mut::visit_expr_match_mut(self, expr);
        let catches_all =
            expr.arms.last().is_some_and(|arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none());
        let count = expr.arms.len();
        if !catches_all {
            return;
        }
        for arm in &mut expr.arms[..count - 1] {
            let source = arm.pat.to_token_stream().to_string();
            let n = self.mutant(arm.pat.span(), "no such arm", &source);
            let guard: Expr = match &arm.guard {
                Some((_, guard)) if has_let(guard) => continue,
                Some((_, guard)) => parse_quote!(!crate::switch::on(#n) && (#guard)),
                None => parse_quote!(!crate::switch::on(#n)),
            };
            arm.guard = Some((Default::default(), Box::new(guard)));
        }
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        let sources: Vec<_> = block.stmts.iter().map(|stmt| stmt.to_token_stream().to_string()).collect();
        visit_mut::visit_block_mut(self, block);
        for (stmt, source) in block.stmts.iter_mut().zip(sources) {
            let Stmt::Expr(expr, Some(_)) = stmt else { continue };
            let compound = matches!(expr, Expr::Binary(_));
            if compound || matches!(expr, Expr::Assign(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Try(_)) {
                let n = self.mutant(expr.span(), "left out", &source);
                *stmt = parse_quote!(if !crate::switch::on(#n) { #expr; });
            }
        }
    }

    fn visit_expr_if_mut(&mut self, expr: &mut syn::ExprIf) {
        visit_mut::visit_expr_if_mut(self, expr);
        if matches!(&*expr.cond, Expr::Path(_)) {
            let source = expr.cond.to_token_stream().to_string();
            self.flip(&mut expr.cond, &source);
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let source = expr.to_token_stream().to_string();
        let span = expr.span();
        visit_mut::visit_expr_mut(self, expr);
        if is_question(expr) {
            return self.flip(expr, &source);
        }
        let Expr::Binary(binary) = expr else { return };
        let (left, right, op) = (binary.left.clone(), binary.right.clone(), binary.op);
        match op {
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                self.flip(expr, &source);
            }
            BinOp::And(_) if !has_let(expr) => {
                let a = self.mutant(span, "without the first condition", &source);
                let b = self.mutant(span, "without the second condition", &source);
                *expr = parse_quote!(((crate::switch::on(#a) || (#left)) && (crate::switch::on(#b) || (#right))));
            }
            BinOp::Or(_) if !has_let(expr) => {
                let a = self.mutant(span, "without the first condition", &source);
                let b = self.mutant(span, "without the second condition", &source);
                *expr = parse_quote!(((!crate::switch::on(#a) && (#left)) || (!crate::switch::on(#b) && (#right))));
            }
            BinOp::BitAnd(_) => {
                let n = self.mutant(span, "mask without its lowest bit", &source);
                self.mutant(span, "mask without its highest bit", &source);
                self.mutant(span, "mask with one more bit", &source);
                *expr = if is_mask(&right) || !is_mask(&left) {
                    parse_quote!(crate::switch::and(#n, #left, #right))
                } else {
                    parse_quote!(crate::switch::and(#n, #right, #left))
                };
            }
            BinOp::BitOr(_) => {
                let n = self.mutant(span, "without the second set", &source);
                self.mutant(span, "without the first set", &source);
                *expr = parse_quote!(crate::switch::or(#n, #left, #right));
            }
            _ => {}
        }
    }
}
