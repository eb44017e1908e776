using Hospes.Domains;
using Hospes.Domains.Catalogues;
using Hospes.Libvirt.Server;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>The procedures that networks and storage pools have alike.</summary>
/// <typeparam name="T">The type of definitions.</typeparam>
/// <param name="catalogue">The catalogue that a client's server has.</param>
/// <param name="kind">What functions call an item: <c>virNetwork</c> or <c>virStoragePool</c>.</param>
internal sealed class CatalogueRows<T>(Func<ClientSession, Catalogue<T>> catalogue, string kind) where T : class, ICatalogued
{
    private string Plural => kind[3..] + "s";

    public Procedure ListAll(int number, uint known) => Now<ListWish, ItemList>(number, $"virConnectListAll{Plural}", Access.Read, (session, wish) =>
    {
        if (Flags.Check(wish.Flags, known, $"virConnectListAll{Plural}") is { } unknown) return unknown;
        // Of pools, the further flags are types; all pools here are folders.
        uint types = wish.Flags & ~ItemFilter.All;
        ItemName[] found = types != 0 && (types & PoolProcedures.FolderType) == 0 ? [] : [.. catalogue(session).List().Where(item => ItemFilter.Matches(item, wish.Flags)).Select(ItemName.Of)];
        return new ItemList(wish.NeedResults != 0 ? found : [], found.Length);
    });

    public Procedure Count(int number, bool active)
        => Now<Nothing, Number>(number, $"virConnectNumOf{(active ? "" : "Defined")}{Plural}", Access.Read, (session, _) => new Number(catalogue(session).List().Count(item => item.IsActive == active)));

    public Procedure Names(int number, bool active) => Now<Number, TextList>(number, $"virConnectList{(active ? "" : "Defined")}{Plural}", Access.Read, (session, most) =>
        new TextList([.. catalogue(session).List().Where(item => item.IsActive == active).Select(static item => item.Config.Name).Take(Math.Max(0, most.Value))]));

    public Procedure ByName(int number) => Now<Words, ItemName>(number, $"{kind}LookupByName", Access.Read, (session, name) => Name(catalogue(session).Find(name.Text)));

    public Procedure ById(int number) => Now<Identity, ItemName>(number, $"{kind}LookupByUUID", Access.Read, (session, identity) => Name(catalogue(session).Find(identity.Uuid)));

    public Procedure Undefine(int number, bool evenActive) => Now<ItemName, Nothing>(number, $"{kind}Undefine", Write, (session, item) => Done(catalogue(session).Undefine(item.Uuid, evenActive)));

    public Procedure Destroy(int number) => Now<ItemName, Nothing>(number, $"{kind}Destroy", Write, (session, item) => Done(catalogue(session).Stop(item.Uuid)));

    public Procedure GetAutostart(int number) => Ask(number, "GetAutostart", static item => item.Autostart);

    public Procedure IsActive(int number) => Ask(number, "IsActive", static item => item.IsActive);

    public Procedure IsPersistent(int number) => Ask(number, "IsPersistent", static item => item.IsPersistent);

    public Procedure SetAutostart(int number) => Now<ItemAndInt, Nothing>(number, $"{kind}SetAutostart", Write, (session, wish) => Done(catalogue(session).SetAutostart(wish.Item.Uuid, wish.Value != 0)));

    public Procedure Watch(int number) => Now<ItemEventWish, Number>(number, $"virConnect{kind[3..]}EventRegisterAny", Access.Read, (session, wish) =>
        session.Watch(catalogue(session), typeof(T), wish.Item, wish.Kind) is { } callback ? new Number(callback) : new LibvirtError(ErrorCode.InternalError, ErrorDomain.Rpc, "too many event callbacks"));

    public Procedure Unwatch(int number) => Now<Number, Nothing>(number, $"virConnect{kind[3..]}EventDeregisterAny", Access.Read, static (session, callback) =>
        session.Unwatch(callback.Value) ? default(Nothing) : new LibvirtError(ErrorCode.InternalError, ErrorDomain.Rpc, $"event callback {callback.Value} not registered"));

    /// <summary>Does something with an item that a client sent.</summary>
    public Answer<TResult> With<TResult>(ClientSession session, in ItemName name, Func<CatalogueItem<T>, Answer<TResult>> work)
        => catalogue(session).Find(name.Uuid) is var found && found.Failure is { } missing ? missing with { Detail = $"{missing.Detail} ({name.Name})" } : work(found.Value);

    public static Answer<ItemName> Name(Outcome<CatalogueItem<T>> outcome) => outcome.Failure is { } failure ? failure : ItemName.Of(outcome.Value);

    public static Answer<Nothing> Done(Outcome<CatalogueItem<T>> outcome) => outcome.Failure is { } failure ? failure : default(Nothing);

    private Procedure Ask(int number, string name, Func<CatalogueItem<T>, bool> ask)
        => Now<ItemName, Number>(number, kind + name, Access.Read, (session, item) => With<Number>(session, item, found => new Number(ask(found) ? 1 : 0)));
}
