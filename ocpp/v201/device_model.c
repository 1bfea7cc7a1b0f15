/* device_model: the table of components and variables; see device_model.h. */
#include "ocpp/v201/device_model.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/v201/v201.h"

/* What is not a setting, by what it is read from. */
enum value {
    VALUE_NONE,
    VALUE_CONNECTOR_STATE,
    VALUE_STATION_STATE,
    VALUE_PHASES,
    VALUE_POWER,
    VALUE_PILOT_STATE,
    VALUE_PILOT_VOLTAGE,
    VALUE_PILOT_DUTY,
    VALUE_PILOT_PROBLEM,
    VALUE_CABLE_RATING,
    VALUE_PROXIMITY_PROBLEM,
    VALUE_CONTACTOR_STATE,
    VALUE_CONTACTOR_CYCLES,
    VALUE_CONTACTOR_OPEN_DELAY,
    VALUE_CONTACTOR_SLOW,
    VALUE_CONTACTOR_PROBLEM,
    VALUE_VOLTAGE_1,
    VALUE_VOLTAGE_2,
    VALUE_VOLTAGE_3,
    VALUE_CURRENT_1,
    VALUE_CURRENT_2,
    VALUE_CURRENT_3,
    VALUE_POWER_1,
    VALUE_POWER_2,
    VALUE_POWER_3,
    VALUE_POWER_TOTAL,
    VALUE_FACTOR_1,
    VALUE_FACTOR_2,
    VALUE_FACTOR_3,
    VALUE_ENERGY,
    VALUE_FREQUENCY,
    VALUE_METER_PROBLEM,
    VALUE_OFFERED,
    VALUE_REASON,
    VALUE_SUPPLY_PROBLEM,
    VALUE_LOCK_STATE,
    VALUE_LOCK_PROBLEM,
    VALUE_TEMPERATURE,
    VALUE_TEMPERATURE_PROBLEM,
    VALUE_STACK_CONTROL,
    VALUE_STACK_COMMS,
    VALUE_HEAP_MIN,
    VALUE_HEAP_BLOCK,
    VALUE_RCD_PROBLEM,
    VALUE_STATION_PROBLEM,
    VALUE_STATE_TEXT,
    VALUE_FAULT,
    VALUE_ONLINE,
    VALUE_QUEUED,
    VALUE_EVENTS_LOST,
    VALUE_PROFILES,
    VALUE_NETWORK,
    VALUE_MONITORING_BASE,
    VALUE_MONITORING_LEVEL,
    VALUE_CACHE_BYTES,
    VALUE_LIST_ENTRIES,
    VALUE_LIST_ITEMS,
    VALUE_MESSAGE_BYTES,
    VALUE_LIST_BYTES,
    VALUE_MODEL,
    VALUE_VENDOR,
    VALUE_SERIAL,
    VALUE_FIRMWARE,
    VALUE_FIRMWARE_PROGRESS,
    VALUE_FIRMWARE_FAILURE,
    VALUE_DATE_TIME,
};

#define RO      ACCESS_READ_ONLY
#define RW      ACCESS_READ_WRITE
#define WO      ACCESS_WRITE_ONLY
#define BOOLEAN VARIABLE_BOOLEAN
#define INTEGER VARIABLE_INTEGER
#define DECIMAL VARIABLE_DECIMAL
#define STRING  VARIABLE_STRING
#define MEMBERS VARIABLE_MEMBER_LIST
#define OPTION  VARIABLE_OPTION_LIST

/* One line each: a constant, a value of the station, a setting. */
#define CONST(c, n, ni, t, u, text)                                                                          \
    {                                                                                                        \
        .component = c, .name = n, .name_instance = ni, .type = t, .access = RO, .flags = VARIABLE_CONSTANT, \
        .unit = u, .fixed = text                                                                             \
    }
#define VALUE(c, l, n, ni, t, u, v, f)                                                                   \
    {                                                                                                    \
        .component = c, .level = l, .name = n, .name_instance = ni, .type = t, .access = RO, .flags = f, \
        .unit = u, .value = v                                                                            \
    }
/* The same with the range of what can be. */
#define RANGED(c, l, n, ni, u, v, lo, hi)                                                          \
    {                                                                                              \
        .component = c, .level = l, .name = n, .name_instance = ni, .type = DECIMAL, .access = RO, \
        .flags = VARIABLE_LIMITS, .unit = u, .value = v, .min = lo, .max = hi                      \
    }
/* One of a list of words. */
#define CHOICE(c, l, n, v, f, list)                                                                      \
    {                                                                                                    \
        .component = c, .level = l, .name = n, .type = OPTION, .access = RO, .flags = f, .values = list, \
        .value = v                                                                                       \
    }
#define SETTING(c, n, ni, t, a, u, s, otherwise)                                                         \
    {                                                                                                    \
        .component = c, .name = n, .name_instance = ni, .type = t, .access = a, .unit = u, .setting = s, \
        .fixed = otherwise                                                                               \
    }
#define SETTING_LIST(c, n, s, list, otherwise)                                                  \
    {                                                                                           \
        .component = c, .name = n, .type = MEMBERS, .access = RW, .values = list, .setting = s, \
        .fixed = otherwise                                                                      \
    }
#define CONST_LIST(c, n, t, list, text)                                                                 \
    {                                                                                                   \
        .component = c, .name = n, .type = t, .access = RO, .flags = VARIABLE_CONSTANT, .values = list, \
        .fixed = text                                                                                   \
    }
#define STATES "Available,Occupied,Reserved,Unavailable,Faulted"
#define POINTS "EVConnected,Authorized,PowerPathClosed,EnergyTransfer"

static const struct variable table[] = {
    /* Controllers: names as in OCPP 2.0.1 part 2, "Referenced Components and Variables". */
    SETTING("AlignedDataCtrlr", "Interval", NULL, INTEGER, RW, "s", "aligned_interval", "0"),
    SETTING_LIST("AlignedDataCtrlr", "Measurands", "aligned_measurands", MEASURANDS_ALL, MEASURANDS_ALIGNED),
    SETTING("AlignedDataCtrlr", "TxEndedInterval", NULL, INTEGER, RW, "s", "aligned_ended_interval", "0"),
    CONST("AlignedDataCtrlr", "SignReadings", NULL, BOOLEAN, NULL, "false"),
    SETTING_LIST("AlignedDataCtrlr", "TxEndedMeasurands", "aligned_ended_measurands", MEASURANDS_ALL, ""),
    CONST("AlignedDataCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    SETTING("AuthCtrlr", "AuthorizeRemoteStart", NULL, BOOLEAN, RW, NULL, "remote_authorise", "false"),
    SETTING("AuthCtrlr", "DisableRemoteAuthorization", NULL, BOOLEAN, RW, NULL, "remote_authorise_disabled",
            "false"),
    SETTING("AuthCtrlr", "LocalAuthorizeOffline", NULL, BOOLEAN, RW, NULL, "local_authorise_offline", "true"),
    SETTING("AuthCtrlr", "LocalPreAuthorize", NULL, BOOLEAN, RW, NULL, "local_pre_authorise", "false"),
    SETTING("AuthCtrlr", "MasterPassGroupId", NULL, STRING, RW, NULL, "master_pass_group", ""),
    SETTING("AuthCtrlr", "OfflineTxForUnknownIdEnabled", NULL, BOOLEAN, RW, NULL, "offline_tx_unknown_id",
            "false"),
    CONST("AuthCacheCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    SETTING("AuthCacheCtrlr", "DisablePostAuthorize", NULL, BOOLEAN, RW, NULL, "auth_cache_no_recheck",
            "false"),
    SETTING("AuthCacheCtrlr", "Enabled", NULL, BOOLEAN, RW, NULL, "auth_cache", "true"),
    SETTING("AuthCacheCtrlr", "LifeTime", NULL, INTEGER, RW, "s", "auth_cache_lifetime", "0"),
    {.component = "AuthCacheCtrlr",
     .name = "Policy",
     .type = OPTION,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .values = "CUSTOM",
     .fixed = "CUSTOM"},
    VALUE("AuthCacheCtrlr", 0, "Storage", NULL, INTEGER, "B", VALUE_CACHE_BYTES, VARIABLE_LIMITS),
    VALUE("ClockCtrlr", 0, "DateTime", NULL, VARIABLE_DATE_TIME, NULL, VALUE_DATE_TIME, 0),
    {.component = "ClockCtrlr",
     .name = "TimeSource",
     .type = VARIABLE_SEQUENCE_LIST,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .values = "Heartbeat",
     .fixed = "Heartbeat"},
    VALUE("DeviceDataCtrlr", 0, "BytesPerMessage", "GetReport", INTEGER, NULL, VALUE_MESSAGE_BYTES,
          VARIABLE_CONSTANT),
    VALUE("DeviceDataCtrlr", 0, "BytesPerMessage", "GetVariables", INTEGER, NULL, VALUE_MESSAGE_BYTES,
          VARIABLE_CONSTANT),
    VALUE("DeviceDataCtrlr", 0, "BytesPerMessage", "SetVariables", INTEGER, NULL, VALUE_MESSAGE_BYTES,
          VARIABLE_CONSTANT),
    SETTING("DeviceDataCtrlr", "BytesPerMessage", "NotifyReport", INTEGER, RO, NULL, "bytes_per_message",
            "16000"),
    CONST("DeviceDataCtrlr", "ItemsPerMessage", "GetReport", INTEGER, NULL, MODEL_NUMBER(MODEL_ITEMS)),
    CONST("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", INTEGER, NULL, MODEL_NUMBER(MODEL_ITEMS)),
    CONST("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables", INTEGER, NULL, MODEL_NUMBER(MODEL_ITEMS)),
    SETTING("DeviceDataCtrlr", "ItemsPerMessage", "NotifyReport", INTEGER, RO, NULL, "items_per_message",
            "8"),
    CONST("DisplayMessageCtrlr", "Available", NULL, BOOLEAN, NULL, "false"),
    CONST("DisplayMessageCtrlr", "DisplayMessages", NULL, INTEGER, NULL, "0"),
    CONST_LIST("DisplayMessageCtrlr", "SupportedFormats", MEMBERS, "ASCII,HTML,URI,UTF8", ""),
    CONST_LIST("DisplayMessageCtrlr", "SupportedPriorities", MEMBERS, "AlwaysFront,InFront,NormalCycle", ""),
    CONST("ISO15118Ctrlr", "Available", NULL, BOOLEAN, NULL, "false"),
    CONST("ISO15118Ctrlr", "ContractValidationOffline", NULL, BOOLEAN, NULL, "false"),
    CONST("LocalAuthListCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    VALUE("LocalAuthListCtrlr", 0, "BytesPerMessage", NULL, INTEGER, "B", VALUE_MESSAGE_BYTES,
          VARIABLE_CONSTANT),
    SETTING("LocalAuthListCtrlr", "DisablePostAuthorize", NULL, BOOLEAN, RW, NULL, "local_list_no_recheck",
            "false"),
    SETTING("LocalAuthListCtrlr", "Enabled", NULL, BOOLEAN, RW, NULL, "local_list", "true"),
    {.component = "LocalAuthListCtrlr",
     .name = "Entries",
     .type = INTEGER,
     .access = RO,
     .flags = VARIABLE_LIMITS,
     .max = LOCAL_LIST_ENTRIES,
     .value = VALUE_LIST_ENTRIES},
    VALUE("LocalAuthListCtrlr", 0, "ItemsPerMessage", NULL, INTEGER, NULL, VALUE_LIST_ITEMS,
          VARIABLE_CONSTANT),
    VALUE("LocalAuthListCtrlr", 0, "Storage", NULL, INTEGER, "B", VALUE_LIST_BYTES, VARIABLE_LIMITS),
    CONST("LocalAuthListCtrlr", "SupportsExpiryDateTime", NULL, BOOLEAN, NULL, "true"),
    CONST("MonitoringCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    SETTING("MonitoringCtrlr", "Enabled", NULL, BOOLEAN, RW, NULL, "monitoring_enabled", "true"),
    CHOICE("MonitoringCtrlr", 0, "ActiveMonitoringBase", VALUE_MONITORING_BASE, 0,
           "All,FactoryDefault,HardWiredOnly"),
    {.component = "MonitoringCtrlr",
     .name = "ActiveMonitoringLevel",
     .type = INTEGER,
     .access = RO,
     .flags = VARIABLE_LIMITS,
     .max = SEVERITY_MAX,
     .value = VALUE_MONITORING_LEVEL},
    VALUE("MonitoringCtrlr", 0, "BytesPerMessage", "ClearVariableMonitoring", INTEGER, NULL,
          VALUE_MESSAGE_BYTES, VARIABLE_CONSTANT),
    VALUE("MonitoringCtrlr", 0, "BytesPerMessage", "SetVariableMonitoring", INTEGER, NULL,
          VALUE_MESSAGE_BYTES, VARIABLE_CONSTANT),
    CONST("MonitoringCtrlr", "ItemsPerMessage", "ClearVariableMonitoring", INTEGER, NULL,
          MODEL_NUMBER(MONITORS_MAX)),
    CONST("MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring", INTEGER, NULL, MODEL_TEXT(16)),
    SETTING("MonitoringCtrlr", "OfflineQueuingSeverity", NULL, INTEGER, RW, NULL,
            "monitoring_offline_severity", "9"),
    CONST_LIST("OCPPCommCtrlr", "FileTransferProtocols", MEMBERS, "FTP,FTPS,HTTP,HTTPS,SFTP", "HTTP,HTTPS"),
    SETTING("OCPPCommCtrlr", "HeartbeatInterval", NULL, INTEGER, RW, "s", "heartbeat_interval", "300"),
    SETTING("OCPPCommCtrlr", "MessageTimeout", "Default", INTEGER, RW, "s", "message_timeout", "30"),
    SETTING("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", INTEGER, RW, "s",
            "tx_retry_interval", "10"),
    SETTING("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", INTEGER, RW, NULL, "tx_retry_attempts",
            "5"),
    VALUE("OCPPCommCtrlr", 0, "ActiveNetworkProfile", NULL, INTEGER, NULL, VALUE_NETWORK, 0),
    {.component = "OCPPCommCtrlr",
     .name = "NetworkConfigurationPriority",
     .type = VARIABLE_SEQUENCE_LIST,
     .access = RW,
     .values = "1,2,3",
     .setting = "network_priority",
     .fixed = "1"},
    SETTING("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", NULL, INTEGER, RW, NULL, "network_attempts",
            "3"),
    SETTING("OCPPCommCtrlr", "OfflineThreshold", NULL, INTEGER, RW, "s", "offline_threshold", "60"),
    CONST("OCPPCommCtrlr", "ResetRetries", NULL, INTEGER, NULL, "0"),
    SETTING("OCPPCommCtrlr", "RetryBackOffRandomRange", NULL, INTEGER, RW, "s", "backoff_random", "2"),
    SETTING("OCPPCommCtrlr", "RetryBackOffRepeatTimes", NULL, INTEGER, RW, NULL, "backoff_repeats", "4"),
    SETTING("OCPPCommCtrlr", "RetryBackOffWaitMinimum", NULL, INTEGER, RW, "s", "backoff_min", "2"),
    CONST("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", NULL, BOOLEAN, NULL, "true"),
    SETTING("OCPPCommCtrlr", "WebSocketPingInterval", NULL, INTEGER, RW, "s", "ping_interval", "30"),
    SETTING_LIST("SampledDataCtrlr", "TxStartedMeasurands", "tx_started_measurands", MEASURANDS_ALL,
                 MEASURANDS_TX_STARTED),
    SETTING_LIST("SampledDataCtrlr", "TxUpdatedMeasurands", "tx_updated_measurands", MEASURANDS_ALL,
                 MEASURANDS_TX_UPDATED),
    SETTING_LIST("SampledDataCtrlr", "TxEndedMeasurands", "tx_ended_measurands", MEASURANDS_ALL,
                 MEASURANDS_TX_ENDED),
    SETTING("SampledDataCtrlr", "TxUpdatedInterval", NULL, INTEGER, RW, "s", "tx_updated_interval", "60"),
    SETTING("SampledDataCtrlr", "TxEndedInterval", NULL, INTEGER, RW, "s", "sampled_ended_interval", "0"),
    CONST("SampledDataCtrlr", "SignReadings", NULL, BOOLEAN, NULL, "false"),
    CONST("SampledDataCtrlr", "RegisterValuesWithoutPhases", NULL, BOOLEAN, NULL, "true"),
    CONST("SampledDataCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    CONST("ReservationCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    SETTING("ReservationCtrlr", "Enabled", NULL, BOOLEAN, RW, NULL, "reservation", "true"),
    CONST("ReservationCtrlr", "NonEvseSpecific", NULL, BOOLEAN, NULL, "true"),
    SETTING("SecurityCtrlr", "BasicAuthPassword", NULL, STRING, WO, NULL, "password", NULL),
    SETTING("SecurityCtrlr", "Identity", NULL, STRING, RO, NULL, "station_id", NULL),
    CONST("SecurityCtrlr", "CertificateEntries", NULL, INTEGER, NULL, "0"),
    CONST("SecurityCtrlr", "OrganizationName", NULL, STRING, NULL, ""),
    CONST("SecurityCtrlr", "SecurityProfile", NULL, INTEGER, NULL, "1"),
    CONST("SmartChargingCtrlr", "Available", NULL, BOOLEAN, NULL, "true"),
    CONST("SmartChargingCtrlr", "Enabled", NULL, BOOLEAN, NULL, "true"),
    {.component = "SmartChargingCtrlr",
     .name = "Entries",
     .name_instance = "ChargingProfiles",
     .type = INTEGER,
     .access = RO,
     .flags = VARIABLE_LIMITS,
     .max = PROFILES,
     .value = VALUE_PROFILES},
    CONST("SmartChargingCtrlr", "LimitChangeSignificance", NULL, DECIMAL, "Percent", "10"),
    CONST("SmartChargingCtrlr", "PeriodsPerSchedule", NULL, INTEGER, NULL, MODEL_TEXT(96)),
    CONST("SmartChargingCtrlr", "ProfileStackLevel", NULL, INTEGER, NULL, MODEL_TEXT(15)),
    {.component = "SmartChargingCtrlr",
     .name = "RateUnit",
     .type = MEMBERS,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .values = "A,W",
     .fixed = "A,W"},
    CONST("TariffCostCtrlr", "Available", "Cost", BOOLEAN, NULL, "false"),
    CONST("TariffCostCtrlr", "Available", "Tariff", BOOLEAN, NULL, "false"),
    CONST("TariffCostCtrlr", "Currency", NULL, STRING, NULL, ""),
    CONST("TariffCostCtrlr", "TariffFallbackMessage", NULL, STRING, NULL, ""),
    CONST("TariffCostCtrlr", "TotalCostFallbackMessage", NULL, STRING, NULL, ""),
    SETTING("TxCtrlr", "EVConnectionTimeOut", NULL, INTEGER, RW, "s", "ev_connection_timeout", "120"),
    SETTING("TxCtrlr", "MaxEnergyOnInvalidId", NULL, INTEGER, RW, "Wh", "max_energy_on_invalid_id", "0"),
    SETTING("TxCtrlr", "StopTxOnEVSideDisconnect", NULL, BOOLEAN, RO, NULL, "stop_tx_on_ev_disconnect",
            "true"),
    SETTING("TxCtrlr", "StopTxOnInvalidId", NULL, BOOLEAN, RW, NULL, "stop_tx_on_invalid_id", "true"),
    CONST("TxCtrlr", "TxBeforeAcceptedEnabled", NULL, BOOLEAN, NULL, "false"),
    SETTING_LIST("TxCtrlr", "TxStartPoint", "tx_start_point", POINTS, "PowerPathClosed"),
    SETTING_LIST("TxCtrlr", "TxStopPoint", "tx_stop_point", POINTS, "EVConnected,Authorized"),

    /* The station, its EVSE and its connector. */
    {.component = "ChargingStation",
     .name = "AvailabilityState",
     .type = OPTION,
     .access = RO,
     .flags = VARIABLE_SUMMARY,
     .values = STATES,
     .value = VALUE_STATION_STATE},
    SETTING("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", NULL, BOOLEAN, RW, NULL,
            "update_new_sessions", "false"),
    CONST("ChargingStation", "Available", NULL, BOOLEAN, NULL, "true"),
    VALUE("ChargingStation", 0, "SupplyPhases", NULL, INTEGER, NULL, VALUE_PHASES, 0),
    VALUE("ChargingStation", 0, "Power", NULL, DECIMAL, "W", VALUE_POWER, VARIABLE_LIMITS),
    VALUE("ChargingStation", 0, "Problem", NULL, BOOLEAN, NULL, VALUE_STATION_PROBLEM, VARIABLE_SUMMARY),
    VALUE("ChargingStation", 0, "Model", NULL, STRING, NULL, VALUE_MODEL, VARIABLE_CONSTANT),
    VALUE("ChargingStation", 0, "VendorName", NULL, STRING, NULL, VALUE_VENDOR, VARIABLE_CONSTANT),
    VALUE("ChargingStation", 0, "SerialNumber", NULL, STRING, NULL, VALUE_SERIAL, VARIABLE_CONSTANT),
    {.component = "EVSE",
     .level = 1,
     .name = "AvailabilityState",
     .type = OPTION,
     .access = RO,
     .flags = VARIABLE_SUMMARY,
     .values = STATES,
     .value = VALUE_CONNECTOR_STATE},
    {.component = "EVSE",
     .level = 1,
     .name = "Available",
     .type = BOOLEAN,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .fixed = "true"},
    VALUE("EVSE", 1, "SupplyPhases", NULL, INTEGER, NULL, VALUE_PHASES, 0),
    VALUE("EVSE", 1, "Power", NULL, DECIMAL, "W", VALUE_POWER, VARIABLE_LIMITS),
    VALUE("EVSE", 1, "State", NULL, STRING, NULL, VALUE_STATE_TEXT, VARIABLE_SUMMARY),
    VALUE("EVSE", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_STATION_PROBLEM, VARIABLE_PROBLEM),
    VALUE("EVSE", 1, "Fault", NULL, STRING, NULL, VALUE_FAULT, 0),
    {.component = "EVSE",
     .level = 1,
     .name = "AllowReset",
     .type = BOOLEAN,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .fixed = "false"},
    {.component = "Connector",
     .level = 2,
     .name = "AvailabilityState",
     .type = OPTION,
     .access = RO,
     .flags = VARIABLE_SUMMARY,
     .values = STATES,
     .value = VALUE_CONNECTOR_STATE},
    {.component = "Connector",
     .level = 2,
     .name = "Available",
     .type = BOOLEAN,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .fixed = "true"},
    {.component = "Connector",
     .level = 2,
     .name = "ConnectorType",
     .type = STRING,
     .access = RO,
     .flags = VARIABLE_CONSTANT,
     .fixed = "sType2"},
    VALUE("Connector", 2, "SupplyPhases", NULL, INTEGER, NULL, VALUE_PHASES, 0),

    /* Physical components. */
    CHOICE("ControlPilot", 1, "State", VALUE_PILOT_STATE, 0, "A,B,C,D,E,F,?"),
    RANGED("ControlPilot", 1, "Voltage", NULL, "V", VALUE_PILOT_VOLTAGE, -15, 15),
    RANGED("ControlPilot", 1, "DutyCycle", NULL, "Percent", VALUE_PILOT_DUTY, 0, 100),
    VALUE("ControlPilot", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_PILOT_PROBLEM, VARIABLE_PROBLEM),
    RANGED("ProximityPilot", 1, "CableRating", NULL, "A", VALUE_CABLE_RATING, 0, 63),
    VALUE("ProximityPilot", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_PROXIMITY_PROBLEM, VARIABLE_PROBLEM),
    CHOICE("Contactor", 1, "State", VALUE_CONTACTOR_STATE, 0, "Closed,Open"),
    VALUE("Contactor", 1, "Cycles", NULL, INTEGER, NULL, VALUE_CONTACTOR_CYCLES, 0),
    VALUE("Contactor", 1, "OpenDelay", NULL, DECIMAL, "ms", VALUE_CONTACTOR_OPEN_DELAY, 0),
    VALUE("Contactor", 1, "Slow", NULL, BOOLEAN, NULL, VALUE_CONTACTOR_SLOW, 0),
    VALUE("Contactor", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_CONTACTOR_PROBLEM, VARIABLE_PROBLEM),
    VALUE("Meter", 1, "Voltage", "L1", DECIMAL, "V", VALUE_VOLTAGE_1, 0),
    VALUE("Meter", 1, "Voltage", "L2", DECIMAL, "V", VALUE_VOLTAGE_2, 0),
    VALUE("Meter", 1, "Voltage", "L3", DECIMAL, "V", VALUE_VOLTAGE_3, 0),
    VALUE("Meter", 1, "Current", "L1", DECIMAL, "A", VALUE_CURRENT_1, 0),
    VALUE("Meter", 1, "Current", "L2", DECIMAL, "A", VALUE_CURRENT_2, 0),
    VALUE("Meter", 1, "Current", "L3", DECIMAL, "A", VALUE_CURRENT_3, 0),
    VALUE("Meter", 1, "Power", "L1", DECIMAL, "W", VALUE_POWER_1, 0),
    VALUE("Meter", 1, "Power", "L2", DECIMAL, "W", VALUE_POWER_2, 0),
    VALUE("Meter", 1, "Power", "L3", DECIMAL, "W", VALUE_POWER_3, 0),
    VALUE("Meter", 1, "Power", NULL, DECIMAL, "W", VALUE_POWER_TOTAL, 0),
    RANGED("Meter", 1, "PowerFactor", "L1", NULL, VALUE_FACTOR_1, -1, 1),
    RANGED("Meter", 1, "PowerFactor", "L2", NULL, VALUE_FACTOR_2, -1, 1),
    RANGED("Meter", 1, "PowerFactor", "L3", NULL, VALUE_FACTOR_3, -1, 1),
    VALUE("Meter", 1, "EnergyImportRegister", NULL, DECIMAL, "Wh", VALUE_ENERGY, 0),
    VALUE("Meter", 1, "Frequency", NULL, DECIMAL, "Hz", VALUE_FREQUENCY, 0),
    VALUE("Meter", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_METER_PROBLEM, VARIABLE_PROBLEM),
    RANGED("Limits", 1, "Offered", NULL, "A", VALUE_OFFERED, 0, 80),
    VALUE("Limits", 1, "Reason", NULL, STRING, NULL, VALUE_REASON, 0),
    VALUE("Supply", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_SUPPLY_PROBLEM, VARIABLE_PROBLEM),
    VALUE("RCD", 1, "Tripped", NULL, BOOLEAN, NULL, VALUE_RCD_PROBLEM, VARIABLE_PROBLEM),
    VALUE("ConnectorPlugRetentionLock", 2, "Active", NULL, BOOLEAN, NULL, VALUE_LOCK_STATE, 0),
    VALUE("ConnectorPlugRetentionLock", 2, "Problem", NULL, BOOLEAN, NULL, VALUE_LOCK_PROBLEM,
          VARIABLE_PROBLEM),
    VALUE("TemperatureSensor", 1, "Temperature", NULL, DECIMAL, "Celsius", VALUE_TEMPERATURE, 0),
    VALUE("TemperatureSensor", 1, "Problem", NULL, BOOLEAN, NULL, VALUE_TEMPERATURE_PROBLEM,
          VARIABLE_PROBLEM),
    VALUE("Controller", 0, "StackFreeMinimum", "Control", INTEGER, "B", VALUE_STACK_CONTROL, 0),
    VALUE("Controller", 0, "StackFreeMinimum", "Comms", INTEGER, "B", VALUE_STACK_COMMS, 0),
    VALUE("Controller", 0, "HeapFreeMinimum", NULL, INTEGER, "B", VALUE_HEAP_MIN, 0),
    VALUE("Controller", 0, "HeapLargestBlock", NULL, INTEGER, "B", VALUE_HEAP_BLOCK, 0),
    VALUE("Network", 0, "Active", NULL, BOOLEAN, NULL, VALUE_ONLINE, 0),
    VALUE("Storage", 0, "Entries", "TransactionEvent", INTEGER, NULL, VALUE_QUEUED, 0),
    VALUE("Storage", 0, "Count", "EventsLost", INTEGER, NULL, VALUE_EVENTS_LOST, 0),
    VALUE("Firmware", 0, "VersionNumber", NULL, STRING, NULL, VALUE_FIRMWARE, VARIABLE_CONSTANT),
    VALUE("Firmware", 0, "Progress", NULL, INTEGER, "Percent", VALUE_FIRMWARE_PROGRESS, 0),
    VALUE("Firmware", 0, "Failure", NULL, STRING, NULL, VALUE_FIRMWARE_FAILURE, 0),
    SETTING("Display", "DataText", "Name", STRING, RW, NULL, "station_name", NULL),
};
enum { ROWS = sizeof table / sizeof table[0] };

_Static_assert(PROFILE_PERIODS == 96 && PROFILE_STACK_LEVEL_MAX == 15 && MONITOR_ITEMS_MAX == 16 &&
                   OCPP_NETWORKS == 3,
               "the table tells these");

_Static_assert(ROWS + MODEL_SETTINGS_MAX <= REPORT_ROWS_MAX, "a report has room for all rows");

static bool in_table(const char *setting)
{
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].setting && !strcmp(table[i].setting, setting))
            return true;
    return false;
}

void model_init(struct v201 *v)
{
    struct device_model *m = &v->model;
    const char *name, *unit;
    bool read_only, secret;
    m->rests = 0;
    for (size_t i = 0; v->dev.ops->setting_at(v->dev.st, i, &name, &unit, &read_only, &secret); i++) {
        if (in_table(name))
            continue;
        if (m->rests == MODEL_SETTINGS_MAX || i > UINT16_MAX) {
            device_log(&v->dev, 0, "too many settings: from %s on they can't be seen", name);
            return;
        }
        m->rest[m->rests++] = (uint16_t)i;
    }
}

/* Type and range of a setting, as far as the station says. */
static void add_limits(const struct v201 *v, struct variable *var, bool type_too)
{
    struct ocpp_setting_traits t;
    if (!var->setting || !v->dev.ops->setting_traits || var->access == ACCESS_WRITE_ONLY ||
        !v->dev.ops->setting_traits(v->dev.st, var->setting, &t))
        return;
    if (type_too)
        var->type = t.type == OCPP_SETTING_NUMBER ? INTEGER : t.type == OCPP_SETTING_FLAG ? BOOLEAN : STRING;
    if (var->type != BOOLEAN) { /* of texts and lists: the longest */
        var->flags |= VARIABLE_LIMITS;
        var->min = t.type == OCPP_SETTING_NUMBER ? t.min : 0;
        var->max = t.max;
    }
}

bool model_at(const struct v201 *v, size_t index, struct variable *out)
{
    if (index < ROWS) {
        *out = table[index];
        add_limits(v, out, false);
        if (out->flags & VARIABLE_LIMITS && out->value == VALUE_POWER) /* what this EVSE can give at most */
            out->max = (int32_t)((int64_t)v->view.installed_ma * 230 * (v->view.phases == 1 ? 1 : 3) / 1000);
        if (out->value == VALUE_CACHE_BYTES)
            out->max = auth_cache_bytes_max();
        if (out->value == VALUE_LIST_BYTES)
            out->max = local_list_bytes_max();
        return true;
    }
    const char *name, *unit;
    bool read_only, secret;
    if (index - ROWS >= v->model.rests ||
        !v->dev.ops->setting_at(v->dev.st, v->model.rest[index - ROWS], &name, &unit, &read_only, &secret))
        return false;
    *out = (struct variable){
        .component = "Settings",
        .name = name,
        .access = secret      ? WO
                  : read_only ? RO
                              : RW,
        .unit = unit && unit[0] ? unit : NULL,
        .setting = name,
    };
    add_limits(v, out, true);
    return true;
}

/* Which component a fault is a problem of (names of core/fault). */
static const struct {
    const char *fault;
    uint8_t value;
} problems[] = {
    {"CpShort", VALUE_PILOT_PROBLEM},
    {"CpRange", VALUE_PILOT_PROBLEM},
    {"DiodeMissing", VALUE_PILOT_PROBLEM},
    {"PilotDriver", VALUE_PILOT_PROBLEM},
    {"NoDiodeCheck", VALUE_PILOT_PROBLEM},
    {"Ventilation", VALUE_PILOT_PROBLEM},
    {"Proximity", VALUE_PROXIMITY_PROBLEM},
    {"CableChanged", VALUE_PROXIMITY_PROBLEM},
    {"Welded", VALUE_CONTACTOR_PROBLEM},
    {"NoClose", VALUE_CONTACTOR_PROBLEM},
    {"Rcd", VALUE_RCD_PROBLEM},
    {"RcmTest", VALUE_RCD_PROBLEM},
    {"OverVoltage", VALUE_SUPPLY_PROBLEM},
    {"UnderVoltage", VALUE_SUPPLY_PROBLEM},
    {"Frequency", VALUE_SUPPLY_PROBLEM},
    {"PhaseLoss", VALUE_SUPPLY_PROBLEM},
    {"OverTemperature", VALUE_TEMPERATURE_PROBLEM},
    {"Lock", VALUE_LOCK_PROBLEM},
    {"Starved", VALUE_METER_PROBLEM},
};

static bool fault_is(const struct v201 *v, uint8_t value)
{
    if (!v->view.faulted || !v->view.fault)
        return false;
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        if (!strcmp(problems[i].fault, v->view.fault))
            return problems[i].value == value;
    return false;
}

bool model_problem_of(const char *fault, struct variable *out)
{
    uint8_t value = VALUE_STATION_PROBLEM;
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        if (!strcmp(problems[i].fault, fault))
            value = problems[i].value;
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].value == value && (table[i].flags & VARIABLE_PROBLEM)) {
            *out = table[i];
            return true;
        }
    return false;
}

static void say_bool(char *out, size_t cap, bool b)
{
    snprintf(out, cap, "%s", b ? "true" : "false");
}

static void say_int(char *out, size_t cap, int64_t n)
{
    json_fixed_text(out, cap, n, 0);
}

static void say_fixed(char *out, size_t cap, int64_t n, int decimals)
{
    json_fixed_text(out, cap, n, decimals);
}

/* A machine that has no such figures leaves the value empty. */
static void say_health(const struct v201 *v, char *out, size_t cap, uint32_t bytes)
{
    if (v->view.health.valid)
        json_fixed_text(out, cap, bytes, 0);
}

static void say_metered(const struct v201 *v, char *out, size_t cap, int64_t n, int decimals)
{
    if (v->view.meter.valid)
        json_fixed_text(out, cap, n, decimals);
}

static void read_value(const struct v201 *v, uint8_t value, char *out, size_t cap)
{
    const struct ocpp_view *w = &v->view;
    const struct ocpp_meter *m = &w->meter;
    out[0] = 0;
    switch ((enum value)value) {
    case VALUE_NONE:
        break;
    case VALUE_CONNECTOR_STATE:
    case VALUE_STATION_STATE:
        snprintf(out, cap, "%s", connector_status_name(v->avail.now));
        break;
    case VALUE_PHASES:
        say_int(out, cap, w->phases == 1 ? 1 : 3);
        break;
    case VALUE_POWER:
    case VALUE_POWER_TOTAL:
        say_metered(v, out, cap, m->p_total_mw, 3);
        break;
    case VALUE_PILOT_STATE:
        snprintf(out, cap, "%c", w->pilot ? w->pilot : '?');
        break;
    case VALUE_PILOT_VOLTAGE:
        say_fixed(out, cap, w->pilot_mv, 3);
        break;
    case VALUE_PILOT_DUTY:
        say_fixed(out, cap, w->duty_bp, 2);
        break;
    case VALUE_PILOT_PROBLEM:
    case VALUE_PROXIMITY_PROBLEM:
    case VALUE_CONTACTOR_PROBLEM:
    case VALUE_RCD_PROBLEM:
    case VALUE_SUPPLY_PROBLEM:
    case VALUE_LOCK_PROBLEM:
    case VALUE_TEMPERATURE_PROBLEM:
    case VALUE_METER_PROBLEM:
        say_bool(out, cap, fault_is(v, value));
        break;
    case VALUE_STATION_PROBLEM:
        say_bool(out, cap, w->faulted);
        break;
    case VALUE_CABLE_RATING:
        if (w->cable_ma >= 0)
            say_fixed(out, cap, w->cable_ma, 3);
        break;
    case VALUE_CONTACTOR_STATE:
        snprintf(out, cap, "%s", w->energy_flowing ? "Closed" : "Open");
        break;
    case VALUE_CONTACTOR_CYCLES:
        say_int(out, cap, w->contactor_cycles);
        break;
    case VALUE_CONTACTOR_OPEN_DELAY:
        if (w->contactor_open_us >= 0)
            say_fixed(out, cap, w->contactor_open_us, 3);
        break;
    case VALUE_CONTACTOR_SLOW:
        say_bool(out, cap, w->contactor_slow);
        break;
    case VALUE_VOLTAGE_1:
    case VALUE_VOLTAGE_2:
    case VALUE_VOLTAGE_3:
        say_metered(v, out, cap, m->v_mv[value - VALUE_VOLTAGE_1], 3);
        break;
    case VALUE_CURRENT_1:
    case VALUE_CURRENT_2:
    case VALUE_CURRENT_3:
        say_metered(v, out, cap, m->i_ma[value - VALUE_CURRENT_1], 3);
        break;
    case VALUE_POWER_1:
    case VALUE_POWER_2:
    case VALUE_POWER_3:
        say_metered(v, out, cap, m->p_mw[value - VALUE_POWER_1], 3);
        break;
    case VALUE_FACTOR_1:
    case VALUE_FACTOR_2:
    case VALUE_FACTOR_3:
        say_metered(v, out, cap, m->pf_permille[value - VALUE_FACTOR_1], 3);
        break;
    case VALUE_ENERGY:
        say_fixed(out, cap, (int64_t)m->import_total_mwh, 3);
        break;
    case VALUE_FREQUENCY:
        say_metered(v, out, cap, m->freq_mhz, 3);
        break;
    case VALUE_OFFERED:
        say_fixed(out, cap, w->offered_ma, 3);
        break;
    case VALUE_REASON:
        snprintf(out, cap, "%s", w->offered_by ? w->offered_by : "");
        break;
    case VALUE_LOCK_STATE:
        say_bool(out, cap, w->locked);
        break;
    case VALUE_TEMPERATURE:
        if (w->temperature_valid)
            say_fixed(out, cap, w->temperature_mc, 3);
        break;
    case VALUE_STACK_CONTROL:
        say_health(v, out, cap, w->health.control_stack);
        break;
    case VALUE_STACK_COMMS:
        say_health(v, out, cap, w->health.comms_stack);
        break;
    case VALUE_HEAP_MIN:
        say_health(v, out, cap, w->health.heap_min);
        break;
    case VALUE_HEAP_BLOCK:
        say_health(v, out, cap, w->health.heap_block);
        break;
    case VALUE_STATE_TEXT:
        snprintf(out, cap, "%s", w->state ? w->state : "");
        break;
    case VALUE_FAULT:
        snprintf(out, cap, "%s", w->fault ? w->fault : "");
        break;
    case VALUE_ONLINE:
        say_bool(out, cap, v->dev.online);
        break;
    case VALUE_QUEUED:
        say_int(out, cap, (int64_t)v->queue.stored + v->queue.ram_count);
        break;
    case VALUE_EVENTS_LOST:
        say_int(out, cap,
                (int64_t)v->queue.lost + v->queue.given_up + v->monitoring.lost + v->view.records_dropped);
        break;
    case VALUE_PROFILES: {
        int n = 0;
        for (size_t i = 0; i < PROFILES; i++)
            n += v->smart.profile[i].used;
        say_int(out, cap, n);
        break;
    }
    case VALUE_NETWORK:
        say_int(out, cap, v->dev.ops->network_active(v->dev.st));
        break;
    case VALUE_MONITORING_BASE:
        snprintf(out, cap, "%s", monitoring_base_name(v->monitors.base));
        break;
    case VALUE_MONITORING_LEVEL:
        say_int(out, cap, v->monitors.level);
        break;
    case VALUE_CACHE_BYTES:
        say_int(out, cap, auth_cache_bytes(v));
        break;
    case VALUE_LIST_ENTRIES:
        say_int(out, cap, v->list.count);
        break;
    case VALUE_LIST_ITEMS:
        say_int(out, cap, LOCAL_LIST_ITEMS);
        break;
    case VALUE_MESSAGE_BYTES:
        say_int(out, cap, OCPP_TEXT_MAX);
        break;
    case VALUE_LIST_BYTES:
        say_int(out, cap, local_list_bytes(v));
        break;
    case VALUE_MODEL:
    case VALUE_VENDOR:
    case VALUE_SERIAL:
    case VALUE_FIRMWARE: {
        static const char *const what[] = {"model", "vendor", "serial", "firmware"};
        const char *text = v->dev.ops->identity(v->dev.st, what[value - VALUE_MODEL]);
        snprintf(out, cap, "%s", text ? text : "");
        break;
    }
    case VALUE_FIRMWARE_PROGRESS:
        if (w->firmware_percent >= 0)
            say_int(out, cap, w->firmware_percent);
        break;
    case VALUE_FIRMWARE_FAILURE:
        snprintf(out, cap, "%s", w->firmware_failure ? w->firmware_failure : "");
        break;
    case VALUE_DATE_TIME: {
        int64_t wall;
        if (device_wall(&v->dev, device_now(&v->dev), &wall) && cap >= JSON_TIME_TEXT)
            json_time_text(out, wall);
        break;
    }
    }
}

void model_read(const struct v201 *v, const struct variable *var, char *out, size_t cap)
{
    out[0] = 0;
    if (var->setting && device_text(&v->dev, var->setting, out, cap))
        return;
    if (var->fixed)
        snprintf(out, cap, "%s", var->fixed);
    else
        read_value(v, var->value, out, cap);
}

enum variable_access model_access(const struct v201 *v, const struct variable *var)
{
    char text[4];
    if (!var->setting || v->dev.ops->setting_get(v->dev.st, var->setting, text, sizeof text) < 0)
        return ACCESS_READ_ONLY;
    return var->access;
}

bool model_true(const struct v201 *v, const struct variable *var)
{
    char text[8];
    model_read(v, var, text, sizeof text);
    return !strcmp(text, "true");
}

/* ---- names ---- */

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a,
             y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

static bool same_instance(const char *mine, const cJSON *obj)
{
    const char *asked = json_text(obj, "instance", 50);
    return same_name(mine ? mine : "", asked ? asked : "");
}

static bool same_component(const struct variable *var, const cJSON *component)
{
    const char *name = json_text(component, "name", 50);
    if (!name || !same_name(name, var->component) || !same_instance(var->instance, component))
        return false;
    const cJSON *evse = json_object(component, "evse");
    int64_t id = 0, connector;
    if (!evse)
        return var->level == 0;
    json_int(evse, "id", &id);
    if (json_int(evse, "connectorId", &connector))
        return var->level == 2 && id == EVSE_ID && connector == CONNECTOR_ID;
    return id == 0 ? var->level == 0 : var->level == 1 && id == EVSE_ID;
}

/* In reports a request may name a component without saying which EVSE: then all of that name are meant
 * (B08.FR.20). */
static bool report_component(const struct variable *var, const cJSON *component)
{
    const char *name = json_text(component, "name", 50), *instance = json_text(component, "instance", 50);
    if (!name || !same_name(name, var->component))
        return false;
    if (instance && !same_name(instance, var->instance ? var->instance : ""))
        return false;
    return !json_object(component, "evse") || same_component(var, component);
}

bool model_matches(const struct variable *var, const cJSON *component, const cJSON *variable)
{
    if (!report_component(var, component))
        return false;
    if (!variable)
        return true;
    const char *name = json_text(variable, "name", 50), *instance = json_text(variable, "instance", 50);
    if (!name || !same_name(name, var->name))
        return false;
    return !instance || same_name(instance, var->name_instance ? var->name_instance : "");
}

enum model_find model_find(const struct v201 *v, const cJSON *request, struct variable *out)
{
    const cJSON *component = json_object(request, "component"), *variable = json_object(request, "variable");
    const char *name = json_text(variable, "name", 50);
    bool known = false;
    for (size_t i = 0; model_at(v, i, out); i++) {
        if (!same_component(out, component))
            continue;
        known = true;
        if (name && same_name(name, out->name) && same_instance(out->name_instance, variable))
            return MODEL_FOUND;
    }
    return known ? MODEL_UNKNOWN_VARIABLE : MODEL_UNKNOWN_COMPONENT;
}

void model_write_names(cJSON *o, const struct variable *var)
{
    cJSON *component = json_add_object(o, "component");
    json_add_text(component, "name", var->component);
    if (var->instance)
        json_add_text(component, "instance", var->instance);
    if (var->level > 0) {
        cJSON *evse = json_add_object(component, "evse");
        json_add_int(evse, "id", EVSE_ID);
        if (var->level > 1)
            json_add_int(evse, "connectorId", CONNECTOR_ID);
    }
    cJSON *variable = json_add_object(o, "variable");
    json_add_text(variable, "name", var->name);
    if (var->name_instance)
        json_add_text(variable, "instance", var->name_instance);
}

void model_echo_names(cJSON *o, const cJSON *request)
{
    static const char *const parts[] = {"component", "variable"};
    for (int i = 0; i < 2; i++) {
        cJSON *copy = cJSON_Duplicate(json_object(request, parts[i]), 1);
        if (copy && !cJSON_AddItemToObject(o, parts[i], copy))
            cJSON_Delete(copy);
    }
}

bool model_named(const struct v201 *v, const char *component, uint8_t level, const char *name,
                 struct variable *out)
{
    for (size_t i = 0; i < ROWS && model_at(v, i, out); i++)
        if (out->level == level && !out->instance && !out->name_instance &&
            !strcmp(out->component, component) && !strcmp(out->name, name))
            return true;
    return false;
}

/* FNV-1a (Fowler, Noll, Vo; 32 bits) over the names, each with its end. */
static uint32_t digest(uint32_t h, const char *text)
{
    for (; text && *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return (h ^ 0xFF) * 16777619u; /* a byte that UTF-8 does not have */
}

uint32_t model_key(const struct variable *var)
{
    uint32_t h = digest(2166136261u, var->component);
    h = digest(h, var->instance);
    h = (h ^ var->level) * 16777619u;
    h = digest(h, var->name);
    return digest(h, var->name_instance);
}

bool model_by_key(const struct v201 *v, uint32_t key, struct variable *out)
{
    for (size_t i = 0; model_at(v, i, out); i++)
        if (model_key(out) == key)
            return true;
    return false;
}

bool model_numeric(const struct variable *var)
{
    return var->type == DECIMAL || var->type == INTEGER;
}

bool model_monitorable(const struct variable *var)
{
    return !(var->flags & VARIABLE_CONSTANT);
}

bool model_number(const char *text, int64_t *milli)
{
    bool negative = *text == '-';
    const char *p = text + (negative || *text == '+');
    int64_t n = 0;
    int decimals = -1; /* none yet */
    for (; *p && decimals < 3; p++) {
        if (*p == '.' && decimals < 0 && p != text)
            decimals = 0;
        else if (*p < '0' || *p > '9' || n > INT64_MAX / 100000)
            return false;
        else {
            n = n * 10 + (*p - '0');
            decimals += decimals >= 0;
        }
    }
    if (p == text + (negative || *text == '+') || *p)
        return false;
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 3; decimals++)
        n *= 10;
    *milli = negative ? -n : n;
    return true;
}
