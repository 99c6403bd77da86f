//! Tells the facade of a panic, which the module does not survive.

use super::values;
use std::cell::RefCell;
use wasm_bindgen::JsValue;

thread_local! {
    static REPORT: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

/// From now on `report` hears of panics.
pub(super) fn hook(report: JsValue) {
    REPORT.set(report);
    std::panic::set_hook(Box::new(|info| {
        // A panic within a panic would end in a bare trap: nothing here borrows or unwraps.
        let report = REPORT.try_with(|report| report.try_borrow().map(|report| report.clone()));
        if let Ok(Ok(report)) = report {
            values::call(&report, &info.to_string().into());
        }
    }));
}
