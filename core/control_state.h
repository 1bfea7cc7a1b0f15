/* control's inside; include core/control.h instead. */
#ifndef CORE_CONTROL_STATE_H
#define CORE_CONTROL_STATE_H

struct control {
    struct control_cfg cfg;
    struct guard *guard;
    struct control_status status;
};

#endif
