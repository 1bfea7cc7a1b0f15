/* Names that folders which do not know each other have to agree on: a fault of core/ is a problem of the
 * right component of the device model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fault.h"
#include "ocpp/v201/monitoring.h"

static void each_fault_is_a_problem_of_its_component(void **state)
{
    (void)state;
    static const char *const component[FAULT_COUNT] = {
        [FAULT_CP_SHORT] = "ControlPilot",
        [FAULT_CP_RANGE] = "ControlPilot",
        [FAULT_DIODE] = "ControlPilot",
        [FAULT_PILOT_DRIVER] = "ControlPilot",
        [FAULT_NO_DIODE_CHECK] = "ControlPilot",
        [FAULT_VENTILATION] = "ControlPilot",
        [FAULT_PP] = "ProximityPilot",
        [FAULT_CABLE_CHANGED] = "ProximityPilot",
        [FAULT_WELDED] = "Contactor",
        [FAULT_NO_CLOSE] = "Contactor",
        [FAULT_STARVED] = "Meter",
    };
    struct variable station, supply, rcd, lock, temperature, var;
    assert_true(model_problem_of("no fault's name", &station)); /* whatever has no component of its own */
    assert_true(model_problem_of(fault_name(FAULT_PHASE_LOSS), &supply));
    assert_true(model_problem_of(fault_name(FAULT_RCD), &rcd));
    assert_true(model_problem_of(fault_name(FAULT_LOCK), &lock));
    assert_true(model_problem_of(fault_name(FAULT_OVERTEMPERATURE), &temperature));
    assert_string_not_equal(supply.component, station.component);
    assert_string_not_equal(rcd.component, station.component);
    assert_string_not_equal(lock.component, station.component);
    assert_string_not_equal(temperature.component, station.component);
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        assert_true(model_problem_of(fault_name((enum fault)f), &var));
        assert_string_equal(var.name, f == FAULT_RCD || f == FAULT_RCM_TEST ? "Tripped" : "Problem");
        switch ((enum fault)f) {
        case FAULT_OVERVOLTAGE:
        case FAULT_UNDERVOLTAGE:
        case FAULT_FREQUENCY:
        case FAULT_PHASE_LOSS:
            assert_string_equal(var.component, supply.component);
            break;
        case FAULT_RCD:
        case FAULT_RCM_TEST:
            assert_string_equal(var.component, rcd.component);
            break;
        case FAULT_LOCK:
        case FAULT_OVERTEMPERATURE:
            assert_string_not_equal(var.component, station.component);
            break;
        case FAULT_OVERCURRENT:
        case FAULT_OVERCURRENT_FAST:
        case FAULT_GUARD:
            assert_string_equal(var.component, station.component);
            break;
        default:
            assert_non_null(component[f]);
            assert_string_equal(var.component, component[f]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_fault_is_a_problem_of_its_component)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
