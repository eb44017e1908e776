using Hospes.Domains;
using Hospes.Domains.Catalogues;
using Hospes.Domains.Storage;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Storage pools.</summary>
internal static class PoolProcedures
{
    /// <summary><c>VIR_CONNECT_LIST_STORAGE_POOLS_DIR</c></summary>
    public const uint FolderType = 64;

    /// <summary>The flags for all types there are.</summary>
    private const uint Types = 0xFFFC0;

    /// <summary><c>VIR_STORAGE_POOL_CREATE_WITH_BUILD</c>, <c>_WITH_BUILD_OVERWRITE</c>, <c>_WITH_BUILD_NO_OVERWRITE</c></summary>
    private const uint Building = 7;

    /// <summary><c>VIR_STORAGE_POOL_BUILD_NO_OVERWRITE</c> and <c>_OVERWRITE</c>: there is nothing in a folder that building would overwrite.</summary>
    private const uint BuildFlags = 12;

    /// <summary><c>VIR_STORAGE_POOL_DEFINE_VALIDATE</c></summary>
    private const uint Validate = 1;

    private static readonly CatalogueRows<PoolConfig> Rows = new(static session => session.Server.Options.Pools.Pools, "virStoragePool");

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Rows.ListAll(281, ItemFilter.All | Types), Rows.Count(71, active: true), Rows.Count(73, active: false), Rows.Names(72, active: true), Rows.Names(74, active: false),
        Rows.ByName(84), Rows.ById(85), Rows.Undefine(82, evenActive: false), Rows.Destroy(80), Rows.GetAutostart(89), Rows.SetAutostart(90), Rows.IsActive(154), Rows.IsPersistent(155),
        Rows.Watch(368), Rows.Unwatch(369),
        Now<TextAndFlags, ItemName>(77, "virStoragePoolDefineXML", Write, static (session, wish) => Flags.Check(wish.Flags, Validate, "virStoragePoolDefineXML") is { } unknown
            ? unknown
            : CatalogueRows<PoolConfig>.Name(Pools(session).Define(wish.Text))),
        Now<TextAndFlags, ItemName>(76, "virStoragePoolCreateXML", Write, static (session, wish) => Flags.Check(wish.Flags, Building, "virStoragePoolCreateXML") is { } unknown
            ? unknown
            : CatalogueRows<PoolConfig>.Name(Pools(session).Create(wish.Text, (wish.Flags & Building) != 0))),
        Now<ItemAndFlags, Nothing>(78, "virStoragePoolCreate", Write, static (session, wish) => Flags.Check(wish.Flags, Building, "virStoragePoolCreate") is { } unknown
            ? unknown
            : CatalogueRows<PoolConfig>.Done(Pools(session).Start(wish.Item.Uuid, (wish.Flags & Building) != 0))),
        Now<ItemAndFlags, Nothing>(79, "virStoragePoolBuild", Write, static (session, wish) => Flags.Check(wish.Flags, BuildFlags, "virStoragePoolBuild") ?? Done(Pools(session).Build(wish.Item.Uuid))),
        Now<ItemAndFlags, Nothing>(81, "virStoragePoolDelete", Write, static (session, wish) => Flags.Check(wish.Flags, 0, "virStoragePoolDelete") ?? Done(Pools(session).Delete(wish.Item.Uuid))),
        Now<ItemAndFlags, Nothing>(83, "virStoragePoolRefresh", Write, static (session, wish) => Flags.Check(wish.Flags, 0, "virStoragePoolRefresh") ?? Done(Pools(session).Refresh(wish.Item.Uuid))),
        Now<ItemName, PoolInformation>(87, "virStoragePoolGetInfo", Read, static (session, item) => Rows.With<PoolInformation>(session, item, static pool => new PoolInformation(pool.IsActive, StoragePools.Use(pool)))),
        Now<ItemAndFlags, Words>(88, "virStoragePoolGetXMLDesc", Read, static (session, wish) => Rows.With<Words>(session, wish.Item, static pool => new Words(pool.Config.ToXml(StoragePools.Use(pool))))),
        Now<Words, ItemName>(391, "virStoragePoolLookupByTargetPath", Read, static (session, path) =>
            Pools(session).Pools.List().FirstOrDefault(pool => pool.Config.Path == Path.TrimEndingDirectorySeparator(path.Text)) is { } found
                ? ItemName.Of(found)
                : LibvirtError.From(new DomainFailure(DomainError.NoPool, $"no storage pool with matching target path '{path.Text}'"))),
    ];

    private static StoragePools Pools(ClientSession session) => session.Server.Options.Pools;

    private static Answer<Nothing> Done(DomainFailure? failure) => failure is null ? default(Nothing) : failure;

    /// <summary><c>remote_storage_pool_get_info_ret</c></summary>
    private readonly record struct PoolInformation(bool IsActive, PoolUse Use) : IResult
    {
        /// <summary><c>VIR_STORAGE_POOL_INACTIVE</c> and <c>_RUNNING</c>.</summary>
        public void Write(XdrWriter writer)
        {
            writer.UInt32(IsActive ? 2U : 0);
            writer.UInt64(Use.Capacity);
            writer.UInt64(Use.Allocation);
            writer.UInt64(Use.Available);
        }
    }
}
