using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Takes a picture of a running domain's screen.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="screen">Which, from 0 on: those of the first adapter come first.</param>
    public async ValueTask<Outcome<ScreenPicture>> TakePictureAsync(ManagedDomain domain, uint screen)
    {
        if (domain.Now.Live is not { } live || domain.Machine is not { } machine) return NotRunning;
        VideoConfig[] videos = [.. live.Devices.Videos.Where(static video => video.IsThere)];
        if (videos.Length == 0) return new DomainFailure(DomainError.OperationFailed, "no screens to take screenshot from");
        foreach (VideoConfig video in videos)
        {
            if (screen < video.Heads) return await machine.TakePictureAsync(video, (int)screen).ConfigureAwait(false);
            screen -= (uint)video.Heads;
        }
        return new DomainFailure(DomainError.InvalidArgument, "no such screen");
    }
}
