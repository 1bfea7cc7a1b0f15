/* requests: every message that a server may send, with the shape it must have and who handles it. */
#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

#define REQ     .flags = SCHEMA_REQUIRED
#define REQ_ARR .flags = SCHEMA_REQUIRED | SCHEMA_ARRAY
#define ARR     .flags = SCHEMA_ARRAY
#define TEXT(n) .type = SCHEMA_TEXT, .max_chars = n
#define ENUM(v) .type = SCHEMA_ENUM, .values = v
#define OBJ(f)  .type = SCHEMA_OBJECT, .fields = f
#define INT     .type = SCHEMA_INT
#define NUMBER  .type = SCHEMA_NUMBER
#define TIME    .type = SCHEMA_TIME
#define END          \
    {                \
        .name = NULL \
    }

#define F(n, ...)               \
    {                           \
        .name = #n, __VA_ARGS__ \
    }

static const struct schema_field additional_info[] = {F(additionalIdToken, TEXT(36), REQ),
                                                      F(type, TEXT(50), REQ), END};
static const struct schema_field id_token[] = {F(additionalInfo, OBJ(additional_info), ARR),
                                               F(idToken, TEXT(36), REQ), F(type, ENUM(ID_TOKEN_TYPES), REQ),
                                               END};
static const struct schema_field evse[] = {F(id, INT, REQ), F(connectorId, INT), END};
static const struct schema_field component[] = {F(evse, OBJ(evse)), F(name, TEXT(50), REQ),
                                                F(instance, TEXT(50)), END};
static const struct schema_field variable[] = {F(name, TEXT(50), REQ), F(instance, TEXT(50)), END};

#define CONNECTOR_TYPES                                                                                     \
    "cCCS1|cCCS2|cG105|cTesla|cType1|cType2|s309-1P-16A|s309-1P-32A|s309-3P-16A|s309-3P-32A|sBS1361|"       \
    "sCEE-7-7|sType2|sType3|Other1PhMax16A|Other1PhOver16A|Other3Ph|Pan|wInductive|wResonant|Undetermined|" \
    "Unknown"
#define ATTRIBUTES "Actual|Target|MinSet|MaxSet"

static const struct schema_field get_variable_data[] = {F(attributeType, ENUM(ATTRIBUTES)),
                                                        F(component, OBJ(component), REQ),
                                                        F(variable, OBJ(variable), REQ), END};
static const struct schema_field get_variables_schema[] = {
    F(getVariableData, OBJ(get_variable_data), REQ_ARR), END};
static const struct schema_field set_variable_data[] = {
    F(attributeType, ENUM(ATTRIBUTES)), F(attributeValue, TEXT(1000), REQ), F(component, OBJ(component), REQ),
    F(variable, OBJ(variable), REQ), END};
static const struct schema_field set_variables_schema[] = {
    F(setVariableData, OBJ(set_variable_data), REQ_ARR), END};

static const struct schema_field get_base_report_schema[] = {
    F(requestId, INT, REQ), F(reportBase, ENUM("ConfigurationInventory|FullInventory|SummaryInventory"), REQ),
    END};
static const struct schema_field component_variable[] = {F(component, OBJ(component), REQ),
                                                         F(variable, OBJ(variable)), END};
static const struct schema_field get_report_schema[] = {
    F(componentVariable, OBJ(component_variable), ARR), F(requestId, INT, REQ),
    F(componentCriteria, ENUM("Active|Available|Enabled|Problem"), ARR, .max_items = 4), END};

static const struct schema_field reset_schema[] = {F(type, ENUM("Immediate|OnIdle"), REQ), F(evseId, INT),
                                                   END};
static const struct schema_field change_availability_schema[] = {
    F(evse, OBJ(evse)), F(operationalStatus, ENUM("Inoperative|Operative"), REQ), END};
static const struct schema_field trigger_message_schema[] = {
    F(evse, OBJ(evse)),
    F(requestedMessage,
      ENUM("BootNotification|LogStatusNotification|FirmwareStatusNotification|Heartbeat|MeterValues|"
           "SignChargingStationCertificate|SignV2GCertificate|StatusNotification|TransactionEvent|"
           "SignCombinedCertificate|PublishFirmwareStatusNotification"),
      REQ),
    END};
static const struct schema_field unlock_connector_schema[] = {F(evseId, INT, REQ), F(connectorId, INT, REQ),
                                                              END};

static const struct schema_field period[] = {F(startPeriod, INT, REQ), F(limit, NUMBER, REQ),
                                             F(numberPhases, INT), F(phaseToUse, INT), END};
static const struct schema_field schedule[] = {
    F(id, INT, REQ),
    F(startSchedule, TIME),
    F(duration, INT),
    F(chargingRateUnit, ENUM("W|A"), REQ),
    F(chargingSchedulePeriod, OBJ(period), REQ_ARR, .max_items = 1024),
    F(minChargingRate, NUMBER),
    F(salesTariff, .type = SCHEMA_ANY),
    END};
static const struct schema_field profile[] = {F(id, INT, REQ),
                                              F(stackLevel, INT, REQ),
                                              F(chargingProfilePurpose, ENUM(PROFILE_PURPOSES), REQ),
                                              F(chargingProfileKind, ENUM(PROFILE_KINDS), REQ),
                                              F(recurrencyKind, ENUM("Daily|Weekly")),
                                              F(validFrom, TIME),
                                              F(validTo, TIME),
                                              F(chargingSchedule, OBJ(schedule), REQ_ARR, .max_items = 3),
                                              F(transactionId, TEXT(36)),
                                              END};
static const struct schema_field set_charging_profile_schema[] = {F(evseId, INT, REQ),
                                                                  F(chargingProfile, OBJ(profile), REQ), END};
static const struct schema_field clear_criteria[] = {
    F(evseId, INT), F(chargingProfilePurpose, ENUM(PROFILE_PURPOSES)), F(stackLevel, INT), END};
static const struct schema_field clear_charging_profile_schema[] = {
    F(chargingProfileId, INT), F(chargingProfileCriteria, OBJ(clear_criteria)), END};
static const struct schema_field get_criteria[] = {
    F(chargingProfilePurpose, ENUM(PROFILE_PURPOSES)), F(stackLevel, INT), F(chargingProfileId, INT, ARR),
    F(chargingLimitSource, ENUM("EMS|Other|SO|CSO"), ARR, .max_items = 4), END};
static const struct schema_field get_charging_profiles_schema[] = {
    F(requestId, INT, REQ), F(evseId, INT), F(chargingProfile, OBJ(get_criteria), REQ), END};
static const struct schema_field get_composite_schedule_schema[] = {
    F(duration, INT, REQ), F(chargingRateUnit, ENUM("W|A")), F(evseId, INT, REQ), END};

static const struct schema_field request_start_schema[] = {F(evseId, INT),
                                                           F(groupIdToken, OBJ(id_token)),
                                                           F(idToken, OBJ(id_token), REQ),
                                                           F(remoteStartId, INT, REQ),
                                                           F(chargingProfile, OBJ(profile)),
                                                           END};
static const struct schema_field request_stop_schema[] = {F(transactionId, TEXT(36), REQ), END};
static const struct schema_field get_transaction_status_schema[] = {F(transactionId, TEXT(36)), END};
static const struct schema_field data_transfer_schema[] = {
    F(messageId, TEXT(50)), F(data, .type = SCHEMA_ANY), F(vendorId, TEXT(255), REQ), END};
static const struct schema_field message_content[] = {F(format, ENUM("ASCII|HTML|URI|UTF8"), REQ),
                                                      F(language, TEXT(8)), F(content, TEXT(512), REQ), END};
static const struct schema_field id_token_info[] = {F(status, ENUM(AUTHORIZATION_STATUSES), REQ),
                                                    F(cacheExpiryDateTime, TIME),
                                                    F(chargingPriority, INT),
                                                    F(language1, TEXT(8)),
                                                    F(evseId, INT, ARR),
                                                    F(groupIdToken, OBJ(id_token)),
                                                    F(language2, TEXT(8)),
                                                    F(personalMessage, OBJ(message_content)),
                                                    END};
static const struct schema_field authorization_data[] = {F(idToken, OBJ(id_token), REQ),
                                                         F(idTokenInfo, OBJ(id_token_info)), END};
/* An empty list is as good as none (D01.FR.05). */
static const struct schema_field send_local_list_schema[] = {
    F(localAuthorizationList, OBJ(authorization_data), .flags = SCHEMA_ARRAY | SCHEMA_MAY_BE_EMPTY),
    F(versionNumber, INT, REQ), F(updateType, ENUM("Differential|Full"), REQ), END};
static const struct schema_field reserve_now_schema[] = {F(id, INT, REQ),
                                                         F(expiryDateTime, TIME, REQ),
                                                         F(connectorType, ENUM(CONNECTOR_TYPES)),
                                                         F(idToken, OBJ(id_token), REQ),
                                                         F(evseId, INT),
                                                         F(groupIdToken, OBJ(id_token)),
                                                         END};
static const struct schema_field cancel_reservation_schema[] = {F(reservationId, INT, REQ), END};
static const struct schema_field empty_schema[] = {END};

static const struct schema_field monitoring_data[] = {F(id, INT),
                                                      F(transaction, .type = SCHEMA_BOOL),
                                                      F(value, NUMBER, REQ),
                                                      F(type, ENUM(MONITOR_TYPES), REQ),
                                                      F(severity, INT, REQ),
                                                      F(component, OBJ(component), REQ),
                                                      F(variable, OBJ(variable), REQ),
                                                      END};
static const struct schema_field set_variable_monitoring_schema[] = {
    F(setMonitoringData, OBJ(monitoring_data), REQ_ARR), END};
static const struct schema_field clear_variable_monitoring_schema[] = {F(id, INT, REQ_ARR), END};
/* Words, not enumerations: an unknown one is answered with a status (N02.FR.02, N03.FR.02). */
static const struct schema_field set_monitoring_base_schema[] = {F(monitoringBase, TEXT(50), REQ), END};
static const struct schema_field get_monitoring_report_schema[] = {
    F(componentVariable, OBJ(component_variable), ARR), F(requestId, INT, REQ),
    F(monitoringCriteria, TEXT(50), ARR, .max_items = 3), END};
static const struct schema_field set_monitoring_level_schema[] = {F(severity, INT, REQ), END};

static const struct schema_field firmware_type[] = {
    F(location, TEXT(512), REQ),       F(retrieveDateTime, TIME, REQ), F(installDateTime, TIME),
    F(signingCertificate, TEXT(5500)), F(signature, TEXT(800)),        END};
static const struct schema_field update_firmware_schema[] = {F(retries, INT), F(retryInterval, INT),
                                                             F(requestId, INT, REQ),
                                                             F(firmware, OBJ(firmware_type), REQ), END};
static const struct schema_field apn[] = {F(apn, TEXT(512), REQ),
                                          F(apnUserName, TEXT(20)),
                                          F(apnPassword, TEXT(20)),
                                          F(simPin, INT),
                                          F(preferredNetwork, TEXT(6)),
                                          F(useOnlyPreferredNetwork, .type = SCHEMA_BOOL),
                                          F(apnAuthentication, ENUM("CHAP|NONE|PAP|AUTO"), REQ),
                                          END};
static const struct schema_field vpn[] = {F(server, TEXT(512), REQ),
                                          F(user, TEXT(20), REQ),
                                          F(group, TEXT(20)),
                                          F(password, TEXT(20), REQ),
                                          F(key, TEXT(255), REQ),
                                          F(type, ENUM("IKEv2|IPSec|L2TP|PPTP"), REQ),
                                          END};
static const struct schema_field connection_data[] = {
    F(apn, OBJ(apn)),
    F(ocppVersion, ENUM("OCPP12|OCPP15|OCPP16|OCPP20"), REQ),
    F(ocppTransport, ENUM("JSON|SOAP"), REQ),
    F(ocppCsmsUrl, TEXT(512), REQ),
    F(messageTimeout, INT, REQ),
    F(securityProfile, INT, REQ),
    F(ocppInterface, ENUM("Wired0|Wired1|Wired2|Wired3|Wireless0|Wireless1|Wireless2|Wireless3"), REQ),
    F(vpn, OBJ(vpn)),
    END};
static const struct schema_field set_network_profile_schema[] = {
    F(configurationSlot, INT, REQ), F(connectionData, OBJ(connection_data), REQ), END};
static const struct schema_field log_parameters[] = {F(remoteLocation, TEXT(512), REQ),
                                                     F(oldestTimestamp, TIME), F(latestTimestamp, TIME), END};
static const struct schema_field get_log_schema[] = {F(log, OBJ(log_parameters), REQ),
                                                     F(logType, ENUM("DiagnosticsLog|SecurityLog"), REQ),
                                                     F(requestId, INT, REQ),
                                                     F(retries, INT),
                                                     F(retryInterval, INT),
                                                     END};

static const struct schema_field customer_certificate[] = {
    F(hashAlgorithm, ENUM("SHA256|SHA384|SHA512"), REQ), F(issuerNameHash, TEXT(128), REQ),
    F(issuerKeyHash, TEXT(128), REQ), F(serialNumber, TEXT(40), REQ), END};
static const struct schema_field customer_information_schema[] = {
    F(customerCertificate, OBJ(customer_certificate)),
    F(idToken, OBJ(id_token)),
    F(requestId, INT, REQ),
    F(report, .type = SCHEMA_BOOL, REQ),
    F(clear, .type = SCHEMA_BOOL, REQ),
    F(customerIdentifier, TEXT(64)),
    END};

const struct request_row request_table[] = {
    {"CancelReservation", cancel_reservation_schema, cancel_reservation},
    {"ChangeAvailability", change_availability_schema, change_availability},
    {"ClearCache", empty_schema, clear_cache},
    {"ClearChargingProfile", clear_charging_profile_schema, clear_charging_profile},
    {"ClearVariableMonitoring", clear_variable_monitoring_schema, clear_variable_monitoring},
    {"CustomerInformation", customer_information_schema, customer_information},
    {"DataTransfer", data_transfer_schema, data_transfer},
    {"GetBaseReport", get_base_report_schema, get_base_report},
    {"GetChargingProfiles", get_charging_profiles_schema, get_charging_profiles},
    {"GetCompositeSchedule", get_composite_schedule_schema, get_composite_schedule},
    {"GetLocalListVersion", empty_schema, get_local_list_version},
    {"GetMonitoringReport", get_monitoring_report_schema, get_monitoring_report},
    {"GetLog", get_log_schema, get_log},
    {"GetReport", get_report_schema, get_report},
    {"GetTransactionStatus", get_transaction_status_schema, get_transaction_status},
    {"GetVariables", get_variables_schema, get_variables},
    {"RequestStartTransaction", request_start_schema, request_start_transaction},
    {"RequestStopTransaction", request_stop_schema, request_stop_transaction},
    {"ReserveNow", reserve_now_schema, reserve_now},
    {"Reset", reset_schema, reset_request},
    {"SendLocalList", send_local_list_schema, send_local_list},
    {"SetChargingProfile", set_charging_profile_schema, set_charging_profile},
    {"SetMonitoringBase", set_monitoring_base_schema, set_monitoring_base},
    {"SetMonitoringLevel", set_monitoring_level_schema, set_monitoring_level},
    {"SetNetworkProfile", set_network_profile_schema, set_network_profile},
    {"SetVariableMonitoring", set_variable_monitoring_schema, set_variable_monitoring},
    {"SetVariables", set_variables_schema, set_variables},
    {"TriggerMessage", trigger_message_schema, trigger_message},
    {"UnlockConnector", unlock_connector_schema, unlock_connector},
    {"UpdateFirmware", update_firmware_schema, update_firmware},
    /* Known to the protocol, not (yet) to this station: NotSupported instead of NotImplemented (OCPP-J, table
       8). */
    {"CertificateSigned", NULL, NULL},
    {"ClearDisplayMessage", NULL, NULL},
    {"CostUpdated", NULL, NULL},
    {"DeleteCertificate", NULL, NULL},
    {"GetDisplayMessages", NULL, NULL},
    {"GetInstalledCertificateIds", NULL, NULL},
    {"InstallCertificate", NULL, NULL},
    {"PublishFirmware", NULL, NULL},
    {"SetDisplayMessage", NULL, NULL},
    {"UnpublishFirmware", NULL, NULL},
};
const size_t request_rows = sizeof request_table / sizeof request_table[0];
