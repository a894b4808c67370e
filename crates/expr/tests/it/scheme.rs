//! Declaring structures.

use expr::{FieldId, Type};

use crate::event::{self, evt, line};

#[test]
fn a_declaration_gives_each_field_and_method_its_own_number() {
    let objects = event::objects();
    assert_eq!(
        objects.field(line::KIND, "Labels"),
        Some((line::LABELS, &Type::strings()))
    );
    let (id, method) = objects.method(evt::KIND, "SetMeta").expect("declared");
    assert_eq!(
        (id, &method.writes, &method.reads),
        (evt::SET_META, &vec![evt::META], &None)
    );
    let (id, method) = objects.method(evt::KIND, "GetType").expect("declared");
    assert_eq!(
        (id, &method.writes, &method.reads),
        (evt::GET_TYPE, &vec![], &Some(vec![]))
    );
    assert_eq!(line::RAW, FieldId::new(line::KIND, 0));
    assert_eq!(objects.field_name(evt::LINE), "Line");
}
