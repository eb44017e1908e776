using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>
/// Node devices, host interfaces, filters and secrets: there are none, and clients that ask are told so rather than that nobody can tell.
/// </summary>
internal static class AbsentProcedures
{
    public static IReadOnlyList<Procedure> All { get; } =
    [
        List(284, "virConnectListAllInterfaces"), List(285, "virConnectListAllNodeDevices"), List(286, "virConnectListAllNWFilters"), List(287, "virConnectListAllSecrets"),
        List(401, "virConnectListAllNWFilterBindings"),
        Count(126, "virConnectNumOfInterfaces"), Count(137, "virConnectNumOfDefinedInterfaces"), Count(178, "virConnectNumOfNWFilters"), Count(139, "virConnectNumOfSecrets"),
        Names(127, "virConnectListInterfaces"), Names(138, "virConnectListDefinedInterfaces"), Names(179, "virConnectListNWFilters"), Names(140, "virConnectListSecrets"),
        Now<OptionalTextFlags, Number>(111, "virNodeNumOfDevices", Read, static (_, _) => new Number(0)),
        Lookup<Words>(113, "virNodeDeviceLookupByName", ErrorCode.NoNodeDevice, ErrorDomain.NodeDevice, "no node device with matching name '{0}'", static name => name.Text),
        Lookup<Words>(128, "virInterfaceLookupByName", ErrorCode.NoInterface, ErrorDomain.Interface, "couldn't find interface named '{0}'", static name => name.Text),
        Lookup<Words>(175, "virNWFilterLookupByName", ErrorCode.NoFilter, ErrorDomain.Filter, "no nwfilter with matching name '{0}'", static name => name.Text),
        Lookup<Identity>(141, "virSecretLookupByUUID", ErrorCode.NoSecret, ErrorDomain.Secret, "no secret with matching uuid '{0}'", static identity => identity.Uuid.ToString()),
        // There will be nothing to tell of what there is none of; clients that watch for it may.
        Watch(374, "virConnectNodeDeviceEventRegisterAny"), Watch(380, "virConnectSecretEventRegisterAny"),
        Unwatch(375, "virConnectNodeDeviceEventDeregisterAny"), Unwatch(381, "virConnectSecretEventDeregisterAny"),
    ];

    private static Procedure List(int number, string name) => Now<ListWish, EmptyList>(number, name, Read, static (_, _) => default(EmptyList));

    private static Procedure Count(int number, string name) => Now<Nothing, Number>(number, name, Read, static (_, _) => new Number(0));

    private static Procedure Names(int number, string name) => Now<Number, TextList>(number, name, Read, static (_, _) => new TextList([]));

    private static Procedure Lookup<T>(int number, string name, ErrorCode code, ErrorDomain domain, string words, Func<T, string> key) where T : struct, IArguments<T>
        => Now<T, Nothing>(number, name, Read, (_, wish) => new LibvirtError(code, domain, words.Replace("{0}", key(wish), StringComparison.Ordinal)));

    private static Procedure Watch(int number, string name) => Now<Anything, Number>(number, name, Read, static (_, _) => new Number(0));

    private static Procedure Unwatch(int number, string name) => Now<Number, Nothing>(number, name, Read, static (_, _) => default(Nothing));

    /// <summary>A kind of event, and perhaps what it is to happen to, which cannot be since there is none.</summary>
    private readonly record struct Anything : IArguments<Anything>
    {
        public static Anything Read(ref XdrReader reader)
        {
            _ = reader.Int32();
            if (reader.Present()) reader.Fail();
            return default;
        }
    }
}
