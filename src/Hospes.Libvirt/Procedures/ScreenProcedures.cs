using Hospes.Domains;
using Hospes.Domains.Drivers;
using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>Screens of domains.</summary>
internal static class ScreenProcedures
{
    public static IReadOnlyList<Procedure> All { get; } =
    [
        new StreamProcedure<PictureWish, OptionalWords>(211, "virDomainScreenshot", Access.Write, TakeAsync),
    ];

    private static async ValueTask<Answer<(Stream Stream, OptionalWords Result)>> TakeAsync(ClientSession session, PictureWish wish)
    {
        if (Flags.Check(wish.Flags, 0, "virDomainScreenshot") is { } unknown) return unknown;
        Outcome<ManagedDomain> found = session.Host.Find(wish.Domain.Uuid);
        if (found.Failure is { } missing) return missing;
        Outcome<ScreenPicture> taken = await session.Host.TakePictureAsync(found.Value, wish.Screen).ConfigureAwait(false);
        return taken.Failure is { } failure ? failure : (taken.Value.Content, new OptionalWords(taken.Value.MimeType));
    }

    /// <summary><c>remote_domain_screenshot_args</c></summary>
    private readonly record struct PictureWish(DomainName Domain, uint Screen, uint Flags) : IArguments<PictureWish>
    {
        public static PictureWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32(), reader.UInt32());
    }
}
