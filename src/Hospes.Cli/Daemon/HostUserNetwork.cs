using Hospes.Domains;
using Hospes.Domains.Networks;
using Hospes.Network;

namespace Hospes.Cli.Daemon;

/// <summary>Networks in user mode for who manages domains: passt, in the background.</summary>
internal sealed class HostUserNetwork : IUserNetwork
{
    public int Mtu => PasstLink.Mtu;

    public global::Hospes.Domains.Outcome<UserNetworkEnd> Open(Guid domain)
        => PasstServer.TryStart(Label(domain), out PasstServer? server) is { } failure
            ? new DomainFailure(DomainError.OperationFailed, $"{failure.Cause}; {failure.Remedy}")
            : new UserNetworkEnd(server!.Socket, server.Dispose);

    public void Remove(Guid domain) => PasstServer.EndAll(Label(domain));

    private static string Label(Guid domain) => domain.ToString("N");
}
