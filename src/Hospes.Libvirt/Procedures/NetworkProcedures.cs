using Hospes.Domains.Networks;
using Hospes.Libvirt.Server;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Networks.</summary>
internal static class NetworkProcedures
{
    private static readonly CatalogueRows<NetworkConfig> Rows = new(static session => session.Host.Networks.All, "virNetwork");

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Rows.ListAll(283, ItemFilter.All), Rows.Count(52, active: true), Rows.Count(50, active: false), Rows.Names(38, active: true), Rows.Names(36, active: false),
        Rows.ByName(46), Rows.ById(47), Rows.Undefine(49, evenActive: true), Rows.Destroy(42), Rows.GetAutostart(44), Rows.SetAutostart(48), Rows.IsActive(152), Rows.IsPersistent(153),
        Rows.Watch(313), Rows.Unwatch(314),
        Now<Words, ItemName>(41, "virNetworkDefineXML", Write, static (session, xml) => CatalogueRows<NetworkConfig>.Name(session.Host.Networks.Define(xml.Text))),
        Now<Words, ItemName>(40, "virNetworkCreateXML", Write, static (session, xml) => CatalogueRows<NetworkConfig>.Name(session.Host.Networks.Create(xml.Text))),
        Now<ItemName, Nothing>(39, "virNetworkCreate", Write, static (session, item) => CatalogueRows<NetworkConfig>.Done(session.Host.Networks.Start(item.Uuid))),
        Now<ItemAndFlags, Words>(43, "virNetworkGetXMLDesc", Read, static (session, wish) => Rows.With<Words>(session, wish.Item, static item => new Words(item.Config.ToXml()))),
        Now<ItemName, Words>(45, "virNetworkGetBridgeName", Read, static (session, item) => Rows.With<Words>(session, item, static found =>
            new LibvirtError(ErrorCode.InternalError, ErrorDomain.Network, $"network '{found.Config.Name}' does not have a bridge name."))),
    ];
}
